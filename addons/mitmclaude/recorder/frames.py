"""Values ↔ the bytes between the recorder and the proxy: the length of a pickle, and the pickle.

Both ends are processes of ours, joined by a socket pair that nobody else can open.
"""

import pickle
from collections.abc import Iterator
from typing import Any

HEAD = 8


def framed(value: object) -> bytes:
    """The bytes of one value."""
    content = pickle.dumps(value, 5)
    return len(content).to_bytes(HEAD) + content


class Frames:
    """Gives the values that the bytes so far complete."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, received: bytes) -> Iterator[Any]:
        """The values that `received` completes; all of them have to be taken."""
        self._bytes += received
        start = 0
        while len(self._bytes) >= start + HEAD:
            end = start + HEAD + int.from_bytes(self._bytes[start : start + HEAD])
            if len(self._bytes) < end:
                break
            content = bytes(self._bytes[start + HEAD : end])
            value = pickle.loads(content)  # noqa: S301
            start = end
            yield value
        del self._bytes[:start]
