"""What a store did not take: on disk in a spool, or in memory where the spool does not take it either."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from mitmclaude.stores.lane import Failure, Lane, said
from mitmclaude.stores.spool import Spool

logger = logging.getLogger(__name__)

SPOOL_HOLD: Final = 3.0
"""Seconds for which the spool may take."""

THREADS: Final = 32
"""Puts at a time; if all of them hang, the next wait in memory."""

IN_MEMORY: Final = 64 * 1024 * 1024
"""Bytes of objects that neither store nor spool take for now."""


class Backlog:
    """The objects of one store that wait. `spooled` and `lost` count objects."""

    def __init__(self, spool: Spool, name: str, hold: float = SPOOL_HOLD, in_memory: int = IN_MEMORY) -> None:
        self.spool = spool
        self.spooled = self.lost = 0
        self._name, self._hold, self._in_memory = name, hold, in_memory
        self._is_down = False  # the spool: it failed, or did not answer in time
        self._held: dict[str, bytes] = {}
        self._names: dict[str, list[str]] = {}  # what this process spooled: key → its names in the spool
        self._lock = threading.Lock()  # for all of the above; nothing is waited for inside
        self._lane = Lane(f"spool {name}", THREADS)

    @property
    def held(self) -> int:
        """Objects that are in memory alone."""
        return len(self._held)

    def in_memory(self) -> list[tuple[str, bytes]]:
        """What is in memory alone."""
        with self._lock:
            return list(self._held.items())

    def has(self, key: str) -> bool:
        """Whether this process has an earlier version of an object here."""
        with self._lock:
            return key in self._names or key in self._held

    def is_adding(self, key: str) -> bool:
        """Whether the spool has not ended to take a version of an object."""
        return self._lane.has(key)

    def keep(self, key: str, content: bytes, why: str) -> None:
        """Take an object that the store did not take; blocks for `hold` at most, and raises nothing."""
        failure: Failure = OSError("it failed a moment ago")
        if not self._is_down and key not in self._held:
            failure = self._begin(key, content)(time.monotonic() + self._hold)
        if failure is None:
            logger.warning("spooled %s until %s takes it: %s", key, self._name, why)
        else:
            self._keep_in_memory(key, content, why, failure)

    def forget(self, key: str, sent: bytes | None = None) -> None:
        """Remove the versions of an object up to the one that the store has; `sent` is that where it was in memory."""
        with self._lock:
            names = list(self._names.get(key, ()))
        self.spool.remove(names)
        with self._lock:
            self._without(key, names)
            if sent is None or self._held.get(key) is sent:
                self._held.pop(key, None)

    def sent(self, key: str, names: list[str]) -> None:
        """Remove versions of an object from the spool."""
        self.spool.remove(names)
        with self._lock:
            self._without(key, names)

    def waiting(self) -> list[tuple[str, list[str]]]:
        """As of the spool; what another process has sent from it is forgotten."""
        with self._lock:
            before = {key: list(names) for key, names in self._names.items()}
        waiting = self.spool.waiting()
        there = {name for _, names in waiting for name in names}
        with self._lock:
            for key, names in before.items():
                self._without(key, [name for name in names if name not in there])
        return waiting

    def spool_held(self) -> None:
        """Move what is in memory to the spool, if that takes it by now."""
        for key, content in self.in_memory():
            if self._begin(key, content)(time.monotonic() + self._hold):
                return
            with self._lock:
                if self._held.get(key) is content:
                    del self._held[key]
        self._is_down = False

    def close(self, why: str) -> None:
        """Give the spool what is in memory, or lose it; blocks for `hold` at most."""
        ends = [(key, content, self._begin(key, content)) for key, content in self.in_memory()]
        until = time.monotonic() + self._hold
        for key, content, end in ends:
            if failure := end(until):
                self._lose(key, content, why, failure)
            with self._lock:
                self._held.pop(key, None)

    def _begin(self, key: str, content: bytes) -> Callable[[float], Failure]:
        """Begin to spool, and return what waits for the end until a moment."""
        given_up = threading.Event()
        begun = self._lane.begin(key, partial(self._add, key, content, given_up))

        def end(until: float) -> Failure:
            if failure := begun.result(until):
                with self._lock:
                    given_up.set()
                    self._is_down = True
            return failure

        return end

    def _add(self, key: str, content: bytes, given_up: threading.Event) -> None:
        name = self.spool.add(key, content)
        with self._lock:
            if not given_up.is_set():
                self._names.setdefault(key, []).append(name)
                self.spooled += 1
                return
        self.spool.remove([name])  # it is in memory by now, or a newer version is

    def _keep_in_memory(self, key: str, content: bytes, why: str, failure: Exception) -> None:
        with self._lock:
            others = sum(len(held) for name, held in self._held.items() if name != key)
            fits = others + len(content) <= self._in_memory
            if fits:
                self._held[key] = content
        if fits:
            text = "spooled %s in memory alone, where it is lost if the process is killed: %s: %s; the spool: %s"
            logger.error(text, key, self._name, why, said(failure))
        else:
            self._lose(key, content, why, failure)

    def _lose(self, key: str, content: bytes, why: str, failure: Exception) -> None:
        with self._lock:
            self.lost += 1
        logger.error("lost %s (%d bytes): %s: %s; the spool: %s", key, len(content), self._name, why, said(failure))

    def _without(self, key: str, names: list[str]) -> None:
        if left := [name for name in self._names.pop(key, ()) if name not in names]:
            self._names[key] = left
