"""Whether a store answers so quickly that it costs least to wait for it."""

import time
from collections.abc import Callable
from typing import Final

SLOW: Final = 0.005
"""Seconds of a put from which a store is not quick."""

PATIENCE: Final = 8
"""Slow puts, beyond what quick ones have made up for, after which it is not."""

AGAIN: Final = 60.0
"""Seconds after which it is tried again."""


class Quick:
    """Learns from how long puts take; a single slow one, as every disk has, changes nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slow = 0
        self._not_before = 0.0

    @property
    def is_quick(self) -> bool:
        return self._slow < PATIENCE or self._clock() >= self._not_before

    def timed[T](self, work: Callable[[], T]) -> T:
        """What `work` returns."""
        began = self._clock()
        result = work()
        ended = self._clock()
        if ended - began < SLOW:
            self._slow = max(0, self._slow - 1)
        else:
            self._slow = min(PATIENCE, self._slow + 1)
            self._not_before = ended + AGAIN
        return result
