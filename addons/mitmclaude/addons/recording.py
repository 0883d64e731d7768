"""Tell the recorder of each call as it goes, and every addon of each record that is kept."""

import asyncio
import logging

from mitmproxy import ctx, http

from mitmclaude.addons import flows
from mitmclaude.addons.hooks import ClaudeRecordHook
from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.store import StoreAddon
from mitmclaude.exchange import End
from mitmclaude.findings import Finding, drift
from mitmclaude.options import ValidationLevel
from mitmclaude.record.record import Record
from mitmclaude.recorder.messages import Examined, Logged, Message, Reply, Stored
from mitmclaude.recorder.open import kind_of, open_recorder
from mitmclaude.recorder.protocol import Recorder

logger = logging.getLogger(__name__)

PULSE = 0.1
"""Seconds after which the recorder gets what has come of answers in the meantime."""

A_TURN = 8
"""Answers of which the recorder is told in one turn of the loop."""

EXAMINES = 30.0
"""Seconds for which a large request waits for its check: after that it goes on unchecked, as traffic comes first."""

FINISHES = 8.0
"""Seconds in which everything is stored when the proxy stops: `docker stop` kills after 10."""


class Recording:
    """Owns the recorder. A call is told once its request is there, while its answer comes, and at its end."""

    name = "claude.recording"

    def __init__(self, live: Live, options: ClaudeOptions, store: StoreAddon) -> None:
        self._live = live
        self._options = options
        self._store = store
        self._recorder: Recorder | None = None
        self._made_for: tuple[str, ...] = ()
        self._examined: dict[str, asyncio.Future[tuple[Finding, ...]]] = {}
        self._stored: dict[str, asyncio.Future[None]] = {}
        self._pulse: asyncio.TimerHandle | None = None

    def configure(self, _updated: set[str]) -> None:
        settings = self._options.settings
        wanted = (settings.store, settings.spool, settings.recorder)
        if wanted == self._made_for or self._options.failed:
            return
        self._made_for = wanted
        if self._recorder is not None:
            self._recorder.close(FINISHES)
            for capture in self._live.values():  # the next recorder has to be told of them from the beginning
                capture.is_open, capture.told = False, 0
        kind = kind_of(settings.recorder)
        self._recorder = open_recorder(kind, self._store.stores, self._store.keeper, self._take)
        self._recorder.start()

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if self._pulse is None and flow.id in self._live:
            self._pulse = asyncio.get_running_loop().call_later(PULSE, self._beat)

    def open(self, capture: Capture, examine: ValidationLevel | None = None) -> None:
        """Tell of a request that is there; only the first time counts."""
        if not capture.is_open:
            capture.is_open = True
            self._send(flows.opened(capture, self._options.settings, examine))
            capture.parsed = None

    async def examine(self, capture: Capture, level: ValidationLevel) -> tuple[Finding, ...]:
        """Tell of a request, and wait for what the check of its body finds."""
        examined = self._examined[capture.id] = asyncio.get_running_loop().create_future()
        self.open(capture, level)
        try:
            return await asyncio.wait_for(examined, EXAMINES)
        except TimeoutError:
            return (drift("", f"not examined within {EXAMINES:.0f} s: forwarded unchecked"),)
        finally:
            self._examined.pop(capture.id, None)

    def end(self, capture: Capture, end: End, *errors: str, is_partial: bool = False) -> asyncio.Future[None]:
        """Tell of the end of a call; done when it is stored, or lost."""
        self.open(capture)
        capture.end = capture.elapsed()
        if capture.deadline is not None:
            capture.deadline.cancel()
        response, tap = capture.flow.response, flows.tap_of(capture)
        if response is not None and tap is not None:
            response.raw_content = tap.content  # for mitmweb, -w and other scripts; what was sent does not change
        elif response is not None:
            capture.response_end = capture.end
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not is_partial:
            self._stored[capture.id] = stored
        self._tell_what_came(capture)
        self._send(flows.ended(capture, end, errors, is_partial))
        return stored

    def done(self) -> None:
        """Keep what is under way: mitmproxy cuts it after this hook, or it goes on without this addon."""
        if self._pulse is not None:
            self._pulse.cancel()
        self._store.ending()
        if self._recorder is not None:
            self._recorder.close(FINISHES)
        self._store.close()
        for capture_id in self._stored:
            logger.error("the record of request %s is not stored: the store takes over %.0f s", capture_id, FINISHES)

    def _send(self, message: Message) -> None:
        assert self._recorder is not None  # noqa: S101  no request comes before `configure`
        self._recorder.send(message)

    def _beat(self) -> None:
        """Tell what has come of all answers, some in each turn of the loop, so that no chunk waits for all of them."""
        streaming = [capture for capture in self._live.values() if capture.tap]
        self._tell_some(streaming)

    def _tell_some(self, captures: list[Capture]) -> None:
        for capture in captures[:A_TURN]:
            if capture.flow.id in self._live:
                self._tell_what_came(capture)
        loop, rest = asyncio.get_running_loop(), captures[A_TURN:]
        if rest:
            loop.call_soon(self._tell_some, rest)
        else:
            self._pulse = loop.call_later(PULSE, self._beat) if captures else None

    def _tell_what_came(self, capture: Capture) -> None:
        tap = flows.tap_of(capture)
        if tap is not None and capture.is_open and (came := flows.came(capture, tap)):
            self._send(came)

    def _take(self, reply: Reply) -> None:
        match reply:
            case Examined():
                if (examined := self._examined.get(reply.id)) and not examined.done():
                    examined.set_result(reply.findings)
            case Stored(is_partial=False):
                if (stored := self._stored.pop(reply.id, None)) and not stored.done():
                    stored.set_result(None)
                if reply.record is not None:
                    self._tell_all(reply.record)
            case Logged():
                logger.log(reply.level, "%s", reply.text)

    def _tell_all(self, content: bytes) -> None:
        try:
            record = Record.model_validate_json(content)
        except ValueError as error:  # it is stored all the same
            logger.error("a record that was stored cannot be read: %s", type(error).__name__)  # noqa: TRY400
            return
        ctx.master.addons.trigger(ClaudeRecordHook(record))
