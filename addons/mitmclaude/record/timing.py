"""Derive the timing of an exchange from its marks and from where each event of the stream ended."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from mitmclaude.answer.decode import Event
from mitmclaude.exchange import Marks


class Timing(BaseModel):
    """All times in seconds since the request's first byte; None where it did not come to that."""

    model_config = ConfigDict(frozen=True)

    request_end: float | None = None
    upstream_headers: float | None = None
    first_byte: float | None = None
    message_start: float | None = None
    first_content_delta: float | None = None
    message_stop: float | None = None
    last_byte: float | None = None
    client_gone: float | None = None
    longest_gap: float | None = None
    """The longest silence between two pieces of the answer."""
    ttft: float | None = None
    """Time to first token: from the end of the request to the first content delta."""
    duration: float = 0.0
    """From the request's first byte to the end of the exchange."""
    output_tokens_per_second: float | None = None
    """Over the time from the first content delta to the last byte."""


def timing(
    marks: Marks,
    times: Sequence[float],
    events: Sequence[Event],
    arrivals: Sequence[tuple[int, float]],
    output_tokens: int | None,
) -> Timing:
    """The timing of an exchange.

    `times` are those of the chunks as they came; `arrivals` pairs the decoded size so far with the time of each chunk,
    in order, so that the end of an event tells when it was whole.
    """
    seen = _first_seen(events, arrivals)
    first_delta = seen.get("content_block_delta")
    speed = None
    if output_tokens and first_delta is not None and marks.last_byte is not None and marks.last_byte > first_delta:
        speed = round(output_tokens / (marks.last_byte - first_delta), 3)
    return Timing(
        request_end=_rounded(marks.request_end),
        upstream_headers=_rounded(marks.upstream_headers),
        first_byte=_rounded(marks.first_byte),
        message_start=_rounded(seen.get("message_start")),
        first_content_delta=_rounded(first_delta),
        message_stop=_rounded(seen.get("message_stop")),
        last_byte=_rounded(marks.last_byte),
        client_gone=_rounded(marks.client_gone),
        longest_gap=_rounded(max((b - a for a, b in pairwise(times)), default=None)),
        ttft=_rounded(first_delta - (marks.request_end or 0.0)) if first_delta is not None else None,
        duration=round(marks.end, 6),
        output_tokens_per_second=speed,
    )


def _first_seen(events: Iterable[Event], arrivals: Sequence[tuple[int, float]]) -> dict[str, float]:
    seen: dict[str, float] = {}
    for event in events:
        if event.name not in seen and arrivals:
            index = min(bisect_left(arrivals, (event.end, 0.0)), len(arrivals) - 1)
            seen[event.name] = arrivals[index][1]
    return seen


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
