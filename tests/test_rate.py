"""The rate limit."""

from mitmclaude.rate import Bucket, take


def test_a_burst_then_a_steady_rate() -> None:
    """A full bucket takes a minute's calls at once, then one whenever one has come in."""
    bucket: Bucket | None = None
    for _ in range(6):
        bucket, wait = take(bucket, 6, 100.0)
        assert wait == 0.0
    bucket, wait = take(bucket, 6, 100.0)
    assert wait == 10.0
    bucket, wait = take(bucket, 6, 105.0)
    assert wait == 5.0
    bucket, wait = take(bucket, 6, 110.0)
    assert wait == 0.0


def test_it_does_not_fill_beyond_full() -> None:
    """A long pause gives no more than a minute's calls."""
    bucket = Bucket(0.0, 0.0)
    after, _ = take(bucket, 6, 1_000_000.0)
    assert after.left == 5.0


def test_a_clock_that_goes_back_is_harmless() -> None:
    """Time that runs backwards takes nothing away."""
    after, wait = take(Bucket(3.0, 100.0), 6, 50.0)
    assert (after.left, wait) == (2.0, 0.0)
