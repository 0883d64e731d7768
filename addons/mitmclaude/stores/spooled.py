"""A store that does not lose what another store would not take: it spools to local disk and sends later."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from mitmclaude.stores.backlog import IN_MEMORY, SPOOL_HOLD, THREADS, Backlog
from mitmclaude.stores.drain import Breaker, Drain
from mitmclaude.stores.lane import BusyError, Lane, Work, failure_of, said
from mitmclaude.stores.protocol import Store, UnfitError, checked
from mitmclaude.stores.quick import Quick
from mitmclaude.stores.spool import Spool

PAUSES: Final = (0.05, 0.2)
"""Seconds before the second and third try of a put, unless told otherwise."""

HOLD: Final = 5.0
"""Seconds for which a put may take at most, and one more for each MB; then the object is spooled."""

HOLD_AT_END: Final = 2.0
"""The same once the process is to end."""


class Spooled:
    """Puts into `store`; what that does not take goes into `spool`, from where a drain sends it once the store is back.

    A store that failed, or did not answer in time, is down until a drain finds it back: until then puts go straight to
    the spool, and nobody waits. Any exception of a store is a failure. What the spool does not take either is kept in
    memory, within a bound, for the next drain.

    All methods may be called from several threads; puts of one key must follow one another.
    """

    def __init__(
        self,
        store: Store,
        spool: Spool,
        *,
        name: str = "the store",
        pauses: Sequence[float] = PAUSES,
        hold: float = HOLD,
        spool_hold: float = SPOOL_HOLD,
        in_memory: int = IN_MEMORY,
        is_local: bool = False,
    ) -> None:
        self.store, self.spool, self.name, self.hold = store, spool, name, hold
        self._pauses = tuple(pauses)
        self._breaker = Breaker()
        self._quick = Quick() if is_local else None
        self._puts = Lane(f"put {name}", THREADS)
        self._drains = Lane(f"drain {name}", 2)
        self._backlog = Backlog(spool, name, spool_hold, in_memory)
        self._drain = Drain(store, name, self._backlog, self._breaker, self._puts)

    @property
    def down(self) -> str | None:
        """Why the store is not asked; None while it is."""
        return self._breaker.why

    @property
    def spooled(self) -> int:
        """Objects that went to the spool."""
        return self._backlog.spooled

    @property
    def sent(self) -> int:
        """Objects that the store took later."""
        return self._drain.sent

    @property
    def refused(self) -> int:
        """Objects that the store, which takes others, will never take; they stay in the spool."""
        return self._drain.refused

    @property
    def held(self) -> int:
        """Objects that are in memory alone at this moment."""
        return self._backlog.held

    @property
    def lost(self) -> int:
        """Objects that nothing took."""
        return self._backlog.lost

    def go_down(self, why: str) -> None:
        """Ask the store nothing until a drain finds it back."""
        self._breaker.why = why

    def put(self, key: str, content: bytes) -> None:
        """Begin a put, and wait for its end."""
        if end := self.begin(key, content):
            end()

    def begin(self, key: str, content: bytes) -> Callable[[], None] | None:
        """Begin a put, and return what waits for its end: then the object is stored, spooled, held in memory or lost.

        None where it is stored already: a local store that answers quickly is put to at once, in the caller's thread,
        as a thread of its own would cost ten times as much. The end comes within `hold` and `spool_hold`, and raises
        nothing. ValueError for a key that is none.
        """
        checked(key)
        if self._quick is not None and self._quick.is_quick and self._is_free(key):
            failure = self._quick.timed(partial(failure_of, partial(self._put_in_order, key, content)))
            return None if failure is None else partial(self._failed, key, content, failure)
        until = time.monotonic() + self.hold + len(content) / 1e6
        is_asked = not self._breaker.why and not self._backlog.is_adding(key)
        begun = self._puts.begin(key, partial(self._put_in_order, key, content)) if is_asked else None
        return partial(self._end, key, content, begun, until)

    def begin_check(self) -> Work:
        """Begin to check the store."""
        return self._puts.begin("check", self.store.check)

    def begin_drain(self, until: float) -> Work:
        """Begin to send what waits, if no earlier drain goes on; no put begins after `until` of the monotonic clock."""
        return self._drains.begin("drain", partial(self._drain.run, until))

    def drain(self, seconds: float = 30.0) -> int:
        """Drain and wait for it, a little more than `seconds` at most: the number of objects sent meanwhile."""
        before = self.sent
        until = time.monotonic() + seconds
        self.begin_drain(until).result(until + 0.5)
        return self.sent - before

    def close(self, seconds: float) -> None:
        """Drain for `seconds`; then the spool gets what is in memory, or it is lost, which may take `spool_hold`."""
        until = time.monotonic() + seconds
        last = self._drains.begin("last drain", partial(self._drain.run, until, seconds))  # an earlier one may hang
        last.result(until + 0.5)
        self._backlog.close(self._breaker.why or "the process ends")

    def _end(self, key: str, content: bytes, begun: Work | None, until: float) -> None:
        if begun is None:
            failure: Exception = BusyError(self._breaker.why or "it was down a moment ago")
        elif not (found := begun.result(until)):
            return
        else:
            failure = found
        self._failed(key, content, failure)

    def _failed(self, key: str, content: bytes, failure: Exception) -> None:
        if isinstance(failure, OSError) and not isinstance(failure, BusyError | UnfitError):
            self.go_down(said(failure))
        self._backlog.keep(key, content, said(failure))

    def _is_free(self, key: str) -> bool:
        """Whether the store is up, and no earlier put of an object goes on."""
        return not (self._breaker.why or self._backlog.is_adding(key) or self._puts.has(key))

    def _put_in_order(self, key: str, content: bytes) -> None:
        """Put a version of an object, unless an older one of it is being sent from the spool at this moment."""
        if not self._backlog.has(key):
            self._put(key, content)
            return
        with self.spool.locked(1.0) as is_ours:
            if not is_ours:
                raise BusyError("an earlier version of it is being sent")
            self._put(key, content)
            self._backlog.forget(key)

    def _put(self, key: str, content: bytes) -> None:
        for pause in self._pauses:
            if self._breaker.why:
                raise BusyError(self._breaker.why)
            if not failure_of(partial(self.store.put, key, content)):
                return
            time.sleep(pause)
        self.store.put(key, content)
