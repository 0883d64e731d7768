"""Two recorders of one kind as one: calls with a large body go to a second one, so that nobody waits for them."""

import time
from collections.abc import Callable
from typing import Final

from mitmclaude.headers import Headers, content_encoding
from mitmclaude.recorder.messages import Ended, Message, Opened
from mitmclaude.recorder.protocol import Recorder

LARGE: Final = 1024 * 1024
"""Bytes of a request's body from which it is large."""

LARGE_CODED: Final = 128 * 1024
"""The same for a compressed one, which may hold a thousand times as many."""


def is_coded(headers: Headers) -> bool:
    """Whether a body has to be decoded before it can be examined."""
    return content_encoding(headers) != "identity"


def is_large(body: bytes, headers: Headers) -> bool:
    """Whether it takes long to examine and to record a request."""
    return len(body) > (LARGE_CODED if is_coded(headers) else LARGE)


class BySize:
    """Starts the second recorder with the first large body."""

    def __init__(self, usual: Recorder, make_large: Callable[[], Recorder]) -> None:
        self._usual = usual
        self._make_large = make_large
        self._large: Recorder | None = None
        self._is_large: set[str] = set()

    def start(self) -> None:
        self._usual.start()

    def send(self, message: Message) -> None:
        if isinstance(message, Opened) and is_large(message.body, message.headers):
            self._is_large.add(message.id)
        if message.id not in self._is_large:
            self._usual.send(message)
            return
        if self._large is None:
            self._large = self._make_large()
            self._large.start()
        self._large.send(message)
        if isinstance(message, Ended) and not message.is_partial:
            self._is_large.discard(message.id)

    def close(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        self._usual.close(timeout)
        if self._large is not None:
            self._large.close(max(deadline - time.monotonic(), 0.1))
