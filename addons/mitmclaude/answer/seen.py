"""Chunks and events as they come → the moments that the timing of a record is made from."""

from dataclasses import dataclass
from typing import Final

from mitmclaude.answer.decode import Event

MOST_BLOCKS: Final = 1000
"""Content blocks whose start is timed."""

_FIRST: Final = frozenset({"message_start", "content_block_delta", "message_stop"})


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds since the request's first byte; an event is seen with the chunk that makes it whole."""

    message_start: float | None = None
    first_content_delta: float | None = None
    message_stop: float | None = None
    blocks: tuple[float, ...] = ()
    """The start of each content block, of MOST_BLOCKS at most."""
    longest_gap: float | None = None
    """The longest time between two chunks."""


class Watch:
    """Notes when what came."""

    def __init__(self) -> None:
        self._first: dict[str, float] = {}
        self._blocks: list[float] = []
        self._last: float | None = None
        self._gap: float | None = None

    def chunk(self, at: float) -> None:
        """A chunk came."""
        if self._last is not None and (self._gap is None or at - self._last > self._gap):
            self._gap = at - self._last
        self._last = at

    def event(self, event: Event, at: float) -> None:
        """An event became whole."""
        if event.name in _FIRST:
            self._first.setdefault(event.name, at)
        elif event.name == "content_block_start" and len(self._blocks) < MOST_BLOCKS:
            self._blocks.append(at)

    def seen(self) -> Seen:
        """The moments so far."""
        first = self._first.get
        return Seen(
            message_start=first("message_start"),
            first_content_delta=first("content_block_delta"),
            message_stop=first("message_stop"),
            blocks=tuple(self._blocks),
            longest_gap=self._gap,
        )
