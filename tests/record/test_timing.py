"""Timing from marks and arrivals."""

from mitmclaude.answer.decode import decode
from mitmclaude.exchange import Marks
from mitmclaude.record.timing import Timing, timing

START = b'event: message_start\ndata: {"type":"message_start"}\n\n'
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_events_are_timed_by_the_chunk_that_completed_them() -> None:
    """An event that ends in the second chunk has the second chunk's time, though it began in the first."""
    stream = START + DELTA + DELTA + STOP
    sizes = [len(START) + 5, len(START) + len(DELTA) + 1, len(stream)]
    marks = Marks(request_end=0.5, upstream_headers=0.9, first_byte=1.0, last_byte=4.0, end=4.1)
    told = timing(marks, [1.0, 2.0, 4.0], decode(stream), list(zip(sizes, [1.0, 2.0, 4.0], strict=True)), 40)
    assert told == Timing(
        request_end=0.5,
        upstream_headers=0.9,
        first_byte=1.0,
        message_start=1.0,
        first_content_delta=2.0,
        message_stop=4.0,
        last_byte=4.0,
        longest_gap=2.0,
        ttft=1.5,
        duration=4.1,
        output_tokens_per_second=20.0,
    )


def test_what_did_not_happen_is_none() -> None:
    """Without an answer there is a duration and nothing else."""
    assert timing(Marks(request_end=0.1, end=3.0), [], [], [], None) == Timing(request_end=0.1, duration=3.0)


def test_no_speed_from_a_single_moment() -> None:
    """An answer that came in one piece has no speed."""
    stream = START + DELTA + STOP
    told = timing(Marks(last_byte=1.0, end=1.0), [1.0], decode(stream), [(len(stream), 1.0)], 40)
    assert told.first_content_delta == 1.0
    assert told.output_tokens_per_second is None
