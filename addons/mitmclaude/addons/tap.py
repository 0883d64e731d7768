"""The stream callable that keeps what passes: the only code of ours that runs for each chunk."""

import time
from collections.abc import Callable, Iterable

from mitmclaude.recorder.messages import Changed

KEPT = 256 * 1024 * 1024
"""Bytes kept of one answer; what comes behind is passed on and counted."""

type Stream = Callable[[bytes], Iterable[bytes] | bytes]


class Tap:
    """A mitmproxy stream callable: keeps each chunk with its time and returns the chunk as it is.

    `chunks` holds pairs of `time.perf_counter()` and bytes, `size` counts all that passed. When `size` reaches `length`
    the last byte goes to `held`, for the owner to send. A body that ends empty becomes `pad`. A fault of our own turns
    the tap off for this flow and lands in `failure`; the chunks go on.
    """

    __slots__ = ("chunks", "failure", "held", "kept", "length", "pad", "size")

    def __init__(self, length: int | None = None, kept: int = KEPT) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.failure: str | None = None
        self.held = b""
        self.kept = kept
        self.length = length
        self.pad = b""
        self.size = 0

    def __call__(self, data: bytes) -> Iterable[bytes] | bytes:
        try:
            self.size += len(data)
            if self.size <= self.kept:
                self.chunks.append((time.perf_counter(), data))
            if not data and not self.size:
                return self.pad
            if self.size == self.length and data:
                self.held = data[-1:]
                return data[:-1]  # an empty chunk ends a chunked body only, and this one has a length
        except Exception as error:  # noqa: BLE001  traffic comes first
            self.kept, self.length = -1, None
            self.failure = f"the tee turned itself off: {type(error).__name__}"
        return data

    @property
    def content(self) -> bytes:
        """The bytes that came, as far as they were kept."""
        return b"".join(data for _, data in self.chunks)

    def changed(self) -> Changed:
        """What went to the client."""
        return self.pad if self.pad and not self.size else "as it came"


class ChainedTap(Tap):
    """A tap in front of a stream callable that another script had set: that one decides what goes on."""

    __slots__ = ("_previous", "_sent")

    def __init__(self, previous: Stream) -> None:
        super().__init__()
        self._previous = previous
        self._sent: list[bytes] = []

    def __call__(self, data: bytes) -> Iterable[bytes] | bytes:
        super().__call__(data)  # without a length it holds nothing back
        out = self._previous(data)
        if not isinstance(out, bytes):
            out = list(out)
        if self.size <= self.kept:
            self._sent.extend([out] if isinstance(out, bytes) else out)
        return out

    def changed(self) -> Changed:
        return b"".join(self._sent)
