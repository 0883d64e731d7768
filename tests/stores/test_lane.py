"""Lanes: work in daemon threads."""

import subprocess
import sys
import threading
import time

from mitmclaude.stores.lane import BusyError, Lane


def test_failures_are_returned() -> None:
    """What work raises is what its result is."""
    error = RuntimeError()

    def fail() -> None:
        raise error

    lane = Lane("x", 2)
    works = [lane.begin("a", fail), lane.begin("b", lambda: None)]
    assert [work.result(time.monotonic() + 5) for work in works] == [error, None]


def test_one_at_a_time_of_a_key() -> None:
    """Work of a key that has work going on is not begun."""
    goes_on = threading.Event()
    lane = Lane("x", 2)
    first = lane.begin("a", lambda: goes_on.wait(10))
    assert lane.has("a")
    assert isinstance(lane.begin("a", lambda: None).result(0), BusyError)
    goes_on.set()
    assert first.result(time.monotonic() + 5) is None
    assert not lane.has("a")
    assert lane.begin("a", lambda: None).result(time.monotonic() + 5) is None


def test_what_was_given_up_is_never_begun() -> None:
    """Work that waited for a thread in vain is not done later."""
    goes_on, done = threading.Event(), []
    lane = Lane("x", 1)
    hung = lane.begin("a", lambda: goes_on.wait(10))
    assert isinstance(lane.begin("b", lambda: done.append("b")).result(time.monotonic() + 0.1), TimeoutError)
    goes_on.set()
    assert hung.result(time.monotonic() + 5) is None
    assert lane.begin("c", lambda: done.append("c")).result(time.monotonic() + 5) is None
    assert done == ["c"]
    assert not lane.has("b")


def test_threads_are_bounded_and_used_again() -> None:
    """One thread does what comes one after the other; no more than the limit at once."""
    lane, seen = Lane("x", 3), set()
    for number in range(20):
        lane.begin(str(number), lambda: seen.add(threading.current_thread())).result(time.monotonic() + 5)
    assert len(seen) <= 3

    def slow() -> None:
        seen.add(threading.current_thread())
        time.sleep(0.01)

    works = [lane.begin(str(number), slow) for number in range(30)]
    assert [work.result(time.monotonic() + 10) for work in works] == [None] * 30
    assert len(seen) <= 3


def test_hanging_work_does_not_keep_the_process() -> None:
    """A process ends while work hangs."""
    code = "import time; from mitmclaude.stores.lane import Lane; Lane('x', 1).begin('a', lambda: time.sleep(600))"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "addons"}, timeout=30, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
