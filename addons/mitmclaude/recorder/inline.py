"""A recorder in a thread of the proxy's own process: for one core, for AWS Lambda, and where a process cannot start."""

import asyncio
import queue
import threading
import time

from mitmclaude.recorder.messages import Message, Reply
from mitmclaude.recorder.protocol import OnReply, Puts
from mitmclaude.recorder.work import Work


class Inline:
    """One thread works through the messages in order; replies reach the event loop as soon as it is free."""

    def __init__(self, store: Puts, on_reply: OnReply) -> None:
        self._on_reply = on_reply
        self._loop: asyncio.AbstractEventLoop | None = None
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._work = Work(store, self._reply)
        self._thread = threading.Thread(target=self._run, name="mitmclaude-recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, message: Message) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._messages.put(message)

    def close(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        self._messages.put(None)
        self._thread.join(timeout)
        self._work.close(deadline - time.monotonic())
        self._loop = None
        self._deliver()

    def _run(self) -> None:
        while (message := self._messages.get()) is not None:
            self._work.take(message)

    def _reply(self, reply: Reply) -> None:
        self._replies.put(reply)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        while not self._replies.empty():
            self._on_reply(self._replies.get())
