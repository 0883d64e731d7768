"""Messages of the proxy → objects in the store, and replies: what a recorder does, wherever it runs."""

import logging
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import zstandard

from mitmclaude.recorder.messages import Came, Ended, Examined, Message, Opened, Reply, Stored
from mitmclaude.recorder.protocol import Puts
from mitmclaude.recorder.recording import Kept, Recording
from mitmclaude.redact import Redactor

logger = logging.getLogger(__name__)

PUTS = 32
"""Calls whose objects are put at once."""


class Work:
    """Takes messages one after the other, from one thread; puts in others, from which it also replies."""

    def __init__(self, store: Puts, reply: Callable[[Reply], None]) -> None:
        self._store = store
        self._reply = reply
        self._compressor = zstandard.ZstdCompressor()
        self._recordings: dict[str, Recording] = {}
        self._partial: dict[str, Future[None]] = {}
        self._under_way: set[Future[None]] = set()
        self._putting = ThreadPoolExecutor(PUTS, thread_name_prefix="mitmclaude-put")

    def take(self, message: Message) -> None:
        """Do what is to be done now that `message` is there; never raises."""
        try:
            match message:
                case Opened():
                    self._open(message)
                case Came():
                    if recording := self._recordings.get(message.id):
                        recording.feed(message)
                case Ended():
                    self._end(message)
        except Exception:  # noqa: BLE001  the next call must not pay for this one
            self._fail(message)

    def close(self, timeout: float) -> None:
        """Wait until all that ended is stored, for `timeout` seconds at most."""
        wait(tuple(self._under_way), timeout)
        self._putting.shutdown(wait=False, cancel_futures=True)

    def end_all(self) -> None:
        """End what is under way, as its proxy is gone."""
        for recording in list(self._recordings.values()):
            self.take(recording.so_far)

    def _open(self, opened: Opened) -> None:
        recording = self._recordings[opened.id] = Recording(opened, self._compressor)
        if opened.examine is not None:
            self._reply(Examined(opened.id, recording.examine()))
        recording.prepare()

    def _end(self, ended: Ended) -> None:
        recording = self._recordings[ended.id]
        kept = recording.kept(ended)
        if not ended.is_partial:
            del self._recordings[ended.id]
        earlier = self._partial.pop(ended.id, None)
        ends = self._store.begin_all(kept.objects) if earlier is None else None
        if ends is not None and not ends:
            self._reply(Stored(ended.id, kept.record, ended.is_partial))
            return
        putting = self._putting.submit(self._put, ended, kept, ends, earlier)
        self._under_way.add(putting)
        putting.add_done_callback(self._under_way.discard)
        if ended.is_partial:
            self._partial[ended.id] = putting

    def _put(
        self, ended: Ended, kept: Kept, ends: Sequence[Callable[[], None]] | None, earlier: Future[None] | None
    ) -> None:
        record: bytes | None = kept.record
        try:
            if ends is None:  # the partial record must not come after the whole one
                if earlier is not None:
                    earlier.result()
                ends = self._store.begin_all(kept.objects)
            for end in ends:
                end()
        except Exception:  # noqa: BLE001  a store that fails spools by itself: this is a fault of ours
            logger.error("no record of request %s: %s", ended.id, traceback.format_exc())  # noqa: TRY400
            record = None
        self._reply(Stored(ended.id, record, ended.is_partial))

    def _fail(self, message: Message) -> None:
        """Tell that something of ours failed; an error may quote what it stumbled on."""
        recording = self._recordings.get(message.id)
        redacted = recording.redacted if recording else Redactor().text
        logger.error("request %s: %s", message.id, redacted(traceback.format_exc()))
        match message:
            case Opened(examine=level) if level is not None:
                self._reply(Examined(message.id, ()))
            case Ended():
                self._recordings.pop(message.id, None)
                self._reply(Stored(message.id, None, message.is_partial))
