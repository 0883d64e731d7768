"""Work off the event loop."""

import os
import signal
import time

import pytest
from mitmclaude.addons.offload import LARGE, Offload


def whereami() -> int:
    return os.getpid()


def crash() -> int:
    if os.getpid() != PARENT:
        os.kill(os.getpid(), signal.SIGKILL)
    return 7


def wrong() -> None:
    raise ValueError("of the work itself")


PARENT = os.getpid()


def test_small_work_stays_large_work_leaves() -> None:
    """Small work runs in a thread of this process; large work in another one, always the same."""
    offload = Offload()
    try:
        assert offload.submit(LARGE - 1, whereami).result(30) == os.getpid()
        elsewhere = offload.submit(LARGE, whereami).result(30)
        assert elsewhere != os.getpid()
        assert offload.submit(LARGE, whereami).result(30) == elsewhere
    finally:
        offload.close()


def test_large_work_shares_one_process() -> None:
    """Pieces of large work that come at once go to the same process."""
    offload = Offload()
    try:
        pieces = [offload.submit(LARGE, whereami) for _ in range(8)]
        assert len({piece.result(30) for piece in pieces}) == 1
    finally:
        offload.close()


def test_errors_of_the_work_come_back() -> None:
    """What the work raises is raised to who waits."""
    offload = Offload()
    try:
        for size in (0, LARGE):
            with pytest.raises(ValueError, match="of the work itself"):
                offload.submit(size, wrong).result(30)
    finally:
        offload.close()


def test_a_process_that_dies_costs_nothing() -> None:
    """Where the other process dies the work is done here, and the next gets a new process."""
    offload = Offload()
    try:
        assert offload.submit(LARGE, crash).result(30) == 7
        assert offload.submit(LARGE, whereami).result(30) != os.getpid()
    finally:
        offload.close()


def test_close_waits_for_what_was_submitted() -> None:
    """Nothing that was submitted is dropped by closing."""
    done: list[int] = []
    offload = Offload()

    def work(number: int) -> None:
        time.sleep(0.01)
        done.append(number)

    for number in range(20):
        offload.submit(0, work, number)
    offload.close()
    assert sorted(done) == list(range(20))
