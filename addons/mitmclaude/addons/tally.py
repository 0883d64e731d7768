"""Count what is refused without a record of its own, and log the counts: once a minute, and at the end."""

import logging
import time
from collections import Counter
from collections.abc import Callable

logger = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two lines at least: a flood of requests is no flood of lines."""


class Tally:
    """Counts by reason."""

    name = "claude.tally"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._told_at = clock() - EVERY

    def count(self, reason: str) -> None:
        """One more for `reason`."""
        self._counts[reason] += 1
        self.tell()

    def tell(self) -> None:
        """Log what was not logged yet, unless a line was logged just now."""
        if self._clock() - self._told_at >= EVERY:
            self._tell()

    def done(self) -> None:
        self._tell()

    def _tell(self) -> None:
        if self._counts:
            said = ", ".join(f"{number} {reason}" for reason, number in self._counts.most_common())
            logger.warning("refused without a record: %s", said)
            self._counts.clear()
            self._told_at = self._clock()
