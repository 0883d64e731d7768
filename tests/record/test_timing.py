"""Timing from marks and from the moments of an answer."""

import pytest

from mitmclaude.answer.read import Reading
from mitmclaude.answer.seen import MOST_BLOCKS, Seen
from mitmclaude.exchange import Marks
from mitmclaude.record.timing import Timing, timing

START = b'event: message_start\ndata: {"type":"message_start"}\n\n'
BLOCK = b'event: content_block_start\ndata: {"type":"content_block_start"}\n\n'
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
SSE = ((b"content-type", b"text/event-stream"),)


def seen(*chunks: tuple[bytes, float]) -> Seen:
    reading = Reading("messages", 200, SSE)
    for data, at in chunks:
        reading.feed(data, at)
    return reading.finish().seen


def test_events_are_timed_by_the_chunk_that_completed_them() -> None:
    """An event that ends in the second chunk has the second chunk's time, though it began in the first."""
    stream = START + BLOCK + DELTA + DELTA + STOP
    first, second = len(START) + 5, len(START + BLOCK + DELTA) + 1
    marks = Marks(request_end=0.5, upstream_headers=0.9, first_byte=1.0, last_byte=4.0, end=4.1)
    told = timing(marks, seen((stream[:first], 1.0), (stream[first:second], 2.0), (stream[second:], 4.0)), 40)
    assert told == Timing(
        request_end=0.5,
        upstream_headers=0.9,
        first_byte=1.0,
        message_start=1.0,
        first_content_delta=2.0,
        blocks=(2.0,),
        message_stop=4.0,
        last_byte=4.0,
        longest_gap=2.0,
        ttft=1.5,
        duration=4.1,
        output_tokens_per_second=20.0,
    )


def test_the_start_of_each_block_is_kept() -> None:
    """Each content block has the moment of its start, up to a bound."""
    assert seen((START + BLOCK, 0.25), (DELTA, 0.5), (BLOCK, 0.75)).blocks == (0.25, 0.75)
    assert len(seen((BLOCK * (MOST_BLOCKS + 9), 1.0)).blocks) == MOST_BLOCKS


def test_what_did_not_happen_is_none() -> None:
    """Without an answer there is a duration and nothing else."""
    assert timing(Marks(request_end=0.1, end=3.0), Seen(), None) == Timing(request_end=0.1, duration=3.0)


@pytest.mark.parametrize(("at", "tokens"), [(1.0, 40), (0.5, None)], ids=["one piece", "tokens not final"])
def test_no_speed(at: float, tokens: int | None) -> None:
    """An answer that came in one piece has no speed, nor has one whose output tokens are not final."""
    told = timing(Marks(last_byte=1.0, end=1.0), seen((START + DELTA + STOP, at)), tokens)
    assert told.first_content_delta == at
    assert told.output_tokens_per_second is None
