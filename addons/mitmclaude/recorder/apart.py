"""A recorder in a process of its own, with its own interpreter: the proxy appends and sends.

The proxy's end of a socket pair is never waited for: what does not fit is written when there is room. Each call's
messages are kept until it is stored. A process that dies is started again and gets them again.
"""

import asyncio
import contextlib
import logging
import pickle
import selectors
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from mitmclaude.recorder.frames import Frames
from mitmclaude.recorder.messages import Came, Message, Opened, Reply, Stored, Stores, without_parsed
from mitmclaude.recorder.protocol import OnReply, Recorder
from mitmclaude.recorder.spawn import spawn

logger = logging.getLogger(__name__)

PATIENCE = 3
"""Processes that may die on a call: the next one gets it without its bodies."""

DIED = f"{PATIENCE} recorder processes ended while they had this call: kept without bodies"

BACKLOG = 1024**3
"""Bytes of bodies that wait to be recorded: what comes then is recorded without bodies, as memory is bounded."""

STILLBORN = 3
"""Processes in a row that may die before their first reply: after that the work is done in the proxy."""

SMALL = 64 * 1024
"""Bytes of a request up to which the recorder can wait for it a little: it is examined in no time."""

FEW = 2
"""Calls in flight up to which nothing waits: there is time for each write."""

SOON = 0.002
"""Seconds for which it waits; where the answer is quicker, both go together."""

AT_ONCE = 64
"""Values that are written with one call."""

RECEIVED = 64 * 1024
"""Bytes of replies that are read at once."""

LEAVES = 5.0
"""Seconds for a process to leave after the proxy has closed its end; it goes on for itself if it takes longer."""


class Apart:
    """Speaks with the process that `child` runs; `instead` makes the recorder that serves where no process can."""

    def __init__(self, stores: Stores, on_reply: OnReply, instead: Callable[[], Recorder]) -> None:
        self._stores = stores
        self._on_reply = on_reply
        self._instead_of_it = instead
        self._instead: Recorder | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._frames = Frames()
        self._out: deque[memoryview] = deque()
        self._calls: dict[str, list[Message]] = {}
        self._kept = 0
        """Bytes of bodies in `_calls`."""
        self._sent_again: dict[str, int] = {}
        self._stillborn = 0
        self._closing = False
        self._is_writing = False
        self._is_due = False

    def start(self) -> None:
        with contextlib.suppress(RuntimeError):  # no loop runs yet: the first message finds it
            self._loop = asyncio.get_running_loop()
        try:
            self._process, self._socket = spawn()
        except OSError as error:
            self._give_up(str(error))
            return
        self._frames = Frames()
        self._out.clear()
        self._put(self._stores)
        self._watch()

    def send(self, message: Message) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._watch()
        if self._kept > BACKLOG and isinstance(message, Opened | Came):
            (message,) = without_bodies([message], f"the recorder is {BACKLOG >> 20} MB behind: kept without bodies")
        self._kept += size_of(message)
        self._calls.setdefault(message.id, []).append(message)
        if self._instead is not None:
            self._instead.send(message)
        elif self._socket is not None:
            self._put(without_parsed(message), at_once=not self._can_wait(message))

    def close(self, timeout: float) -> None:
        self._closing = True
        deadline = time.monotonic() + timeout
        self._unwatch()
        self._serve(deadline, lambda: bool(self._calls))
        if self._instead is not None:
            self._instead.close(max(deadline - time.monotonic(), 0.0))
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._serve(max(deadline, time.monotonic() + LEAVES), lambda: True)  # until it leaves
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _serve(self, deadline: float, goes_on: Callable[[], bool]) -> None:
        """Write and read without the event loop, while `goes_on` and until `deadline` of the monotonic clock."""
        while goes_on() and self._socket is not None and (left := deadline - time.monotonic()) > 0:
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0))
                ready = [events for _, events in selector.select(left)]
            if ready and ready[0] & selectors.EVENT_WRITE:
                self._flush()
            if ready and ready[0] & selectors.EVENT_READ:
                self._read()

    def _can_wait(self, message: Message) -> bool:
        if isinstance(message, Came):
            return True
        return isinstance(message, Opened) and len(message.body) <= SMALL and len(self._calls) > FEW

    # -- the socket

    def _watch(self) -> None:
        if self._loop is not None and self._socket is not None and not self._closing:
            self._loop.add_reader(self._socket, self._read)

    def _unwatch(self) -> None:
        if self._loop is not None and self._socket is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._is_writing = False

    def _put(self, what: object, *, at_once: bool = True) -> None:
        """Write `what` at the end of this turn of the loop, or a moment later, with all else that is there then.

        Each write costs the proxy a call of the system, and wakes the recorder.
        """
        self._out.append(memoryview(pickle.dumps(what, 5)))
        if self._loop is None or self._closing:
            self._flush()
        elif at_once and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._flush)
        elif not at_once and len(self._out) == 1:
            self._loop.call_later(SOON, self._flush)

    def _flush(self) -> None:
        self._is_due = False
        if self._socket is None:  # it died in this turn: all is written again to the next one
            return
        try:
            while self._out:
                self._written(self._socket.sendmsg(list(islice(self._out, AT_ONCE))))
        except BlockingIOError:
            if self._loop is not None and not self._closing:
                self._loop.add_writer(self._socket, self._flush)
                self._is_writing = True
            return
        except OSError:  # it died: the reader sees that too, and cares for it
            self._out.clear()
        if self._is_writing and self._loop is not None and not self._closing:
            self._loop.remove_writer(self._socket)
            self._is_writing = False

    def _written(self, size: int) -> None:
        """Take `size` bytes away from what is to be written."""
        while size and size >= len(self._out[0]):
            size -= len(self._out.popleft())
        if size:
            self._out[0] = self._out[0][size:]

    def _read(self) -> None:
        assert self._socket is not None  # noqa: S101
        try:
            received = self._socket.recv(RECEIVED)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._lost()
            return
        for reply in self._frames.feed(received):
            self._take(reply)

    def _take(self, reply: Reply) -> None:
        self._stillborn = 0
        if isinstance(reply, Stored) and not reply.is_partial:
            messages = self._calls.pop(reply.id, None)
            if messages is None:
                return  # it was stored twice, as the process that stored it first died before its reply
            self._kept -= sum(map(size_of, messages))
            self._sent_again.pop(reply.id, None)
        self._on_reply(reply)

    # -- a process that died

    def _lost(self) -> None:
        self._unwatch()
        assert self._socket is not None  # noqa: S101
        self._socket.close()
        self._socket = None
        code = self._process.wait() if self._process is not None else 0
        if self._closing and not self._calls:
            return
        self._stillborn += 1
        if self._closing or self._stillborn > STILLBORN:
            self._give_up(f"it ended with {code}")
            return
        logger.warning("the recorder ended with %s: started again, %d calls go to it again", code, len(self._calls))
        if self._stillborn == 1 or self._loop is None:
            self._start_again()
        else:
            self._loop.call_later(0.2 * self._stillborn, self._start_again)

    def _start_again(self) -> None:
        if self._closing or self._socket is not None or self._instead is not None:
            return
        self.start()
        for call, messages in self._calls.items():
            self._sent_again[call] = self._sent_again.get(call, 0) + 1
            if self._sent_again[call] >= PATIENCE:
                self._kept -= sum(map(size_of, messages))
                messages[:] = without_bodies(messages, DIED)
            if self._socket is not None:
                for message in messages:
                    self._put(without_parsed(message))

    def _give_up(self, why: str) -> None:
        """Work in this process from now on."""
        if not self._closing:
            logger.warning("no process for the recorder (%s): recording in the proxy's own", why)
        self._instead = self._instead_of_it()
        self._instead.start()
        for messages in self._calls.values():
            for message in messages:
                self._instead.send(message)


def size_of(message: Message) -> int:
    """Bytes of bodies in a message."""
    if isinstance(message, Opened):
        return len(message.body)
    if isinstance(message, Came):
        return sum([len(data) for _, data in message.chunks])
    return len(message.content or b"")


def without_bodies(messages: Iterable[Message], why: str) -> list[Message]:
    """The messages of a call without its bodies; the record tells why."""
    kept: list[Message] = []
    for message in messages:
        if isinstance(message, Opened):
            kept.append(message._replace(body=b"", parsed=None, keeps_body=False, errors=(*message.errors, why)))
        elif isinstance(message, Came):
            kept.append(message._replace(chunks=()))
        else:
            kept.append(message._replace(content=None))
    return kept
