"""Objects of calls → all stores, side by side and in bounded time; what a store does not take it gets later."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from mitmclaude.stores.lane import said
from mitmclaude.stores.protocol import RefusedError
from mitmclaude.stores.spooled import HOLD_AT_END, Spooled

logger = logging.getLogger(__name__)

CHECK_SECONDS: Final = 3.0
"""For which a start waits for its stores."""

DRAIN_EVERY: Final = 5.0
"""Seconds between attempts to send what is spooled."""


class Counts(NamedTuple):
    """Objects that were spooled, and what became of them; one that two stores did not take counts twice."""

    spooled: int
    sent: int
    """From the spool."""
    refused: int
    """By a store that takes others: they stay in the spool."""
    held: int
    """In memory alone, at this moment."""
    lost: int


class Keeper:
    """Puts records into each of `stores`, anything else into the first. All methods may be called from any thread."""

    def __init__(self, stores: Sequence[Spooled]) -> None:
        self.stores = tuple(stores)
        self._ended = threading.Event()

    def check(self, seconds: float = CHECK_SECONDS) -> list[str]:
        """Check all stores at once, within `seconds`: one line for each that is down for now, and is spooled for.

        Raises RefusedError, in one line, for what will not mend by itself. Call it before the first put.
        """
        begun = [(store, store.begin_check()) for store in self.stores]
        until = time.monotonic() + seconds
        wrong, down = [], []
        for store, check in begun:
            failure = check.result(until)
            if isinstance(failure, RefusedError | ValueError):
                wrong.append(str(failure))
            elif failure is not None:
                why = said(failure)
                store.go_down(why)
                down.append(why if isinstance(failure, OSError) and store.name in why else f"{store.name}: {why}")
        if wrong:
            raise RefusedError("; ".join(wrong))
        return down

    def start(self) -> None:
        """Send what is spooled now and then, from a thread of its own, until `close`."""
        threading.Thread(target=self._drain_forever, name="drain", daemon=True).start()

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Keep the objects of one call: content by key, side by side.

        Returns when each is in its stores or spooled; where neither is possible, when it is held in memory or lost,
        which is logged. That takes `Spooled.hold` and `Spooled.spool_hold` at most, and once: afterwards no store that
        hangs is waited for.
        Raises nothing but ValueError for a key that is none.
        """
        for end in self.begin_all(objects):
            end()

    def begin_all(self, objects: Mapping[str, bytes]) -> list[Callable[[], None]]:
        """As `put_all`, without the waiting: the ends to be waited for, none where everything is stored already."""
        begun = [
            store.begin(key, content)
            for key, content in objects.items()
            for store in (self.stores if key.startswith("records/") else self.stores[:1])
        ]
        return [end for end in begun if end is not None]

    def ending(self) -> None:
        """The process is to end: let puts take less time from now on."""
        for store in self.stores:
            store.hold = HOLD_AT_END

    def close(self, seconds: float) -> None:
        """Send what is spooled once more, for `seconds` at most and a few more for a spool that hangs.

        No thread of a store keeps the process from ending after it.
        """
        self._ended.set()
        threads = [threading.Thread(target=store.close, args=(seconds,), daemon=True) for store in self.stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @property
    def counts(self) -> Counts:
        """What all stores together did not take at once."""
        return Counts(*(sum(getattr(store, name) for store in self.stores) for name in Counts._fields))

    def log_counts(self) -> None:
        """Log what the stores did not take at once, if anything."""
        told = self.counts
        if any(told):
            refused = f", {told.refused} refused" if told.refused else ""
            logger.warning("store: %d spooled, %d sent later, %d lost%s", told.spooled, told.sent, told.lost, refused)

    def _drain_forever(self) -> None:
        while True:
            for store in self.stores:
                store.begin_drain(time.monotonic() + DRAIN_EVERY)
            if self._ended.wait(DRAIN_EVERY):
                return
