"""When a store is put to without a thread."""

from mitmclaude.stores.quick import AGAIN, PATIENCE, SLOW, Quick


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def take(quick: Quick, clock: Clock, seconds: float) -> None:
    def work() -> None:
        clock.now += seconds

    quick.timed(work)


def test_a_store_that_becomes_slow_is_left_to_threads_for_a_while() -> None:
    """Some slow puts in a row tell; after a minute it is tried again, and one more slow put tells again."""
    clock = Clock()
    quick = Quick(clock)
    for _ in range(PATIENCE):
        assert quick.is_quick
        take(quick, clock, 2 * SLOW)
    assert not quick.is_quick
    clock.now += AGAIN
    assert quick.is_quick
    take(quick, clock, 2 * SLOW)
    assert not quick.is_quick


def test_a_slow_put_now_and_then_changes_nothing() -> None:
    """As long as most are quick the store is."""
    clock = Clock()
    quick = Quick(clock)
    for _ in range(100):
        take(quick, clock, 2 * SLOW)
        take(quick, clock, SLOW / 10)
        assert quick.is_quick
