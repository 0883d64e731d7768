"""The marks of an exchange and the moments of its answer → its timing."""

from pydantic import BaseModel, ConfigDict

from mitmclaude.answer.seen import Seen
from mitmclaude.exchange import Marks


class Timing(BaseModel):
    """All times in seconds since the request's first byte; None where it did not come to that."""

    model_config = ConfigDict(frozen=True)

    request_end: float | None = None
    upstream_headers: float | None = None
    first_byte: float | None = None
    message_start: float | None = None
    first_content_delta: float | None = None
    blocks: tuple[float, ...] = ()
    """The start of each content block of a stream, in order; of the first 1,000."""
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
    """Over the time from the first content delta to the last byte; None where the output tokens are not final."""


def timing(marks: Marks, seen: Seen, output_tokens: int | None) -> Timing:
    """The timing of an exchange; `output_tokens` only where they are final, as there is no speed without."""
    delta, last = seen.first_content_delta, marks.last_byte
    speed = None
    if output_tokens and delta is not None and last is not None and last > delta:
        speed = round(output_tokens / (last - delta), 3)
    return Timing.model_construct(
        request_end=_rounded(marks.request_end),
        upstream_headers=_rounded(marks.upstream_headers),
        first_byte=_rounded(marks.first_byte),
        message_start=_rounded(seen.message_start),
        first_content_delta=_rounded(delta),
        blocks=tuple(round(at, 6) for at in seen.blocks),
        message_stop=_rounded(seen.message_stop),
        last_byte=_rounded(last),
        client_gone=_rounded(marks.client_gone),
        longest_gap=_rounded(seen.longest_gap),
        ttft=_rounded(delta - (marks.request_end or 0.0)) if delta is not None else None,
        duration=round(marks.end, 6),
        output_tokens_per_second=speed,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
