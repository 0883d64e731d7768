"""The backlog of a store → the store, once that takes objects again."""

import logging
import time
from collections import Counter
from functools import partial
from typing import Final

from mitmclaude.stores.backlog import Backlog
from mitmclaude.stores.lane import Lane, failure_of, said
from mitmclaude.stores.protocol import Store, UnfitError

logger = logging.getLogger(__name__)

TRIES: Final = 3
"""After as many drains an object that the store will never take is set aside."""

MISSES: Final = 10
"""Objects that one drain tries in vain at most, while the store takes others."""


class Breaker:
    """Whether a store is asked: not from a failure until a drain finds it back."""

    def __init__(self) -> None:
        self.why: str | None = None
        """Why the store is down; None while it is asked."""


class Drain:
    """Sends a backlog to its store. `sent` and `refused` count objects."""

    def __init__(self, store: Store, name: str, backlog: Backlog, breaker: Breaker, puts: Lane) -> None:
        self.sent = self.refused = 0
        self._store, self._name, self._backlog, self._breaker, self._puts = store, name, backlog, breaker, puts
        self._vain: Counter[str] = Counter()  # drains that tried a name of the spool

    def run(self, until: float, patience: float = 0.5) -> None:
        """Send what waits, the oldest key first, but begin nothing after `until` of the monotonic clock.

        Where another thread or process sends, wait for that up to `patience` seconds.
        """
        if self._breaker.why:
            if failure := failure_of(self._store.check):
                logger.debug("still down: %s: %s", self._name, said(failure))
                self._backlog.spool_held()
                return
            self._breaker.why = None
            logger.info("%s takes objects again", self._name)
        before = self.sent
        with self._backlog.spool.locked(patience) as is_ours:
            if is_ours:  # else another process sends
                self._send_held(until)
                self._send_spooled(until)
        if self.sent > before:
            logger.warning("sent %d spooled objects to %s", self.sent - before, self._name)

    def _send_held(self, until: float) -> None:
        for key, content in self._backlog.in_memory():
            if time.monotonic() > until or self._breaker.why:
                break
            if self._is_under_way(key):
                continue
            if not failure_of(partial(self._store.put, key, content)):
                self._backlog.forget(key, content)
                self.sent += 1
            elif self._is_down():
                break
        self._backlog.spool_held()

    def _send_spooled(self, until: float) -> None:
        misses = 0
        waiting = self._backlog.waiting()
        there = {names[-1] for _, names in waiting}
        self._vain = Counter({name: tries for name, tries in self._vain.items() if name in there})
        for key, names in sorted(waiting, key=lambda one: self._vain[one[1][-1]]):
            if time.monotonic() > until or self._breaker.why or misses >= MISSES:
                break
            if self._is_under_way(key):
                continue
            if not (failure := failure_of(partial(self._send, key, names))):
                self.sent += 1
            elif not isinstance(failure, KeyError):  # then another process has sent it
                misses += 1
                self._miss(key, names[-1], failure)

    def _send(self, key: str, names: list[str]) -> None:
        """Send the newest version of an object, and remove it and the older ones."""
        self._store.put(key, self._backlog.spool.read(names[-1]))
        self._backlog.sent(key, names)

    def _miss(self, key: str, name: str, failure: Exception) -> None:
        """Note that the store did not take an object: it is down, or has something against this one."""
        if self._is_down():
            return
        self._vain[name] += 1
        may_mend = isinstance(failure, OSError) and not isinstance(failure, UnfitError)
        if may_mend or self._vain[name] < TRIES:
            logger.debug("still spooled: %s: %s", key, said(failure))
            return
        aside = self._backlog.spool.set_aside(name)
        self.refused += 1
        logger.error("%s refuses %s, which stays in its spool as %s: %s", self._name, key, aside, said(failure))

    def _is_down(self) -> bool:
        """Whether the store takes nothing at all, after it did not take an object."""
        if failure := failure_of(self._store.check):
            self._breaker.why = said(failure)
        return failure is not None

    def _is_under_way(self, key: str) -> bool:
        """Whether an earlier put of an object hangs: what is sent now might be overwritten when it goes on."""
        return self._puts.has(key) or self._backlog.is_adding(key)
