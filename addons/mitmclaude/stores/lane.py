"""Work → its failures, in daemon threads: work that hangs keeps neither others nor the end of the process."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

type Failure = Exception | None


class Work:
    """Work that was begun, or was not as earlier work of its key has not ended."""

    def __init__(self, future: Future[Failure] | None) -> None:
        self._future = future

    def result(self, until: float) -> Failure:
        """What it raised, or None; a TimeoutError where it has not ended at `until` of the monotonic clock.

        What was not begun by then never is.
        """
        if self._future is None:
            return BusyError("an earlier put of it has not ended")
        try:
            return self._future.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            self._future.cancel()
            return TimeoutError("no answer in time")


class BusyError(OSError):
    """The work cannot be done at this moment; nothing is wrong with where it was to be done."""


class Lane:
    """At most `limit` threads, made as they are needed. There is one piece of work for a key at a time."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._changed = threading.Condition()
        self._jobs: deque[tuple[str, Callable[[], object], Future[Failure]]] = deque()
        self._keys: set[str] = set()
        self._threads = self._idle = 0

    def begin(self, key: str, work: Callable[[], object]) -> Work:
        """Do `work` as soon as a thread is free, if no earlier work for `key` goes on."""
        future: Future[Failure] = Future()
        with self._changed:
            if key in self._keys:
                return Work(None)
            self._keys.add(key)
            self._jobs.append((key, work, future))
            if len(self._jobs) > self._idle and self._threads < self._limit:
                self._grow()
            self._changed.notify()
        return Work(future)

    def has(self, key: str) -> bool:
        """Whether work for `key` goes on."""
        with self._changed:
            return key in self._keys

    def _grow(self) -> None:
        try:
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        except RuntimeError:  # no more threads: those that are there do it, or it does not end in time
            return
        self._threads += 1

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._jobs:
                    self._changed.wait()
                self._idle -= 1
                key, work, future = self._jobs.popleft()
            is_wanted = future.set_running_or_notify_cancel()
            failure = failure_of(work) if is_wanted else None
            with self._changed:
                self._keys.discard(key)
            if is_wanted:
                future.set_result(failure)
            del work, future  # lest an idle thread keeps the last object in memory


def failure_of(work: Callable[[], object]) -> Failure:
    """What `work` raises, whatever it is, or None."""
    try:
        work()
    except Exception as error:  # noqa: BLE001
        return error
    return None


def said(failure: Exception) -> str:
    """A failure in one line; of what is no OSError its name alone, as its text may quote what it stumbled on."""
    return str(failure) if isinstance(failure, OSError) else type(failure).__name__
