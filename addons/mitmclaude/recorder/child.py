"""The process of the recorder: reads the proxy's messages, works, replies, and leaves when the proxy is gone."""

import gc
import logging
import os
import pickle
import signal
import socket
import threading
from datetime import UTC, datetime

import zstandard

from mitmclaude.exchange import Marks
from mitmclaude.recorder.frames import framed
from mitmclaude.recorder.messages import Came, Ended, Logged, Opened, Reply, Stores
from mitmclaude.recorder.recording import Recording
from mitmclaude.recorder.work import Work
from mitmclaude.stores.keeper import Keeper
from mitmclaude.stores.open import open_keeper

MEMORY = 4 * 1024**3
"""Bytes of address space: a body of the largest accepted size takes less in any shape."""

ASKED = b'{"model":"claude-opus-5-5","max_tokens":1,"messages":[{"role":"user","content":"x"}]}'
ANSWERED = (
    b'event: message_start\ndata: {"type":"message_start","message":{"type":"message","role":"assistant","content":[],'
    b'"model":"claude-opus-5-5","usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)

YOUNG = 20_000
"""New objects between two looks for garbage in cycles, of which there is next to none here."""

DRAINS = 3.0
"""Seconds in which the stores get, at the end, what they did not take before."""

FINISHES = 60.0
"""Seconds to finish what was given, once the proxy is gone."""


def main(descriptor: int) -> None:
    """Serve the proxy at the other end of a socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it leaves with the proxy, not before
    _limit_memory()
    with socket.socket(fileno=descriptor) as end, end.makefile("rb", 1 << 20) as messages:
        replies = _Replies(end)
        logging.getLogger().addHandler(replies)
        logging.getLogger().setLevel(logging.INFO)
        warm_up()
        try:
            stores = pickle.load(messages)  # noqa: S301  it comes from our own parent
        except EOFError:  # it was started ahead, and not wanted
            os._exit(0)
        keeper = _opened(stores)
        keeper.start()
        work = Work(keeper, replies.send)
        gc.freeze()  # what was imported stays
        gc.set_threshold(YOUNG, 20, 20)
        try:
            while True:
                work.take(pickle.load(messages))  # noqa: S301
        except (EOFError, OSError, pickle.UnpicklingError):  # the proxy has closed its end, or was killed
            keeper.ending()
            work.end_all()
        work.close(FINISHES)
        keeper.close(DRAINS)
        keeper.log_counts()
    os._exit(0)  # a put that hangs must not keep it


def _opened(stores: Stores) -> Keeper:
    keeper = open_keeper(stores.urls, stores.spool, os.environ)
    for name, why in stores.down:
        for store in keeper.stores:
            if store.name == name:
                store.go_down(why)
    return keeper


def warm_up() -> None:
    """Record a call of our own making and forget it: what is loaded at first use is there for the first real one."""
    headers = ((b"content-type", b"text/event-stream"),)
    opened = Opened(
        "0", datetime.now(UTC), 0.0, "messages", "POST", "/", headers, ASKED, {"headers": headers}, "redacted"
    )
    recording = Recording(opened, zstandard.ZstdCompressor())
    recording.prepare()
    recording.feed(Came("0", [(0.0, ANSWERED)], 200, headers))
    recording.kept(Ended("0", "answered", Marks(), {}, 200, headers))


class _Replies(logging.Handler):
    """Sends replies, from several threads, and log lines among them."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__()
        self._end = end
        self._sending = threading.Lock()

    def send(self, reply: Reply) -> None:
        content = framed(reply)
        with self._sending:
            try:
                self._end.sendall(content)
            except OSError:  # nobody is there any more
                return

    def emit(self, record: logging.LogRecord) -> None:
        self.send(Logged(record.levelno, record.getMessage()))


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
