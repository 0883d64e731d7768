"""Keep the table of tokens fresh: it is read again beside the calls, and a copy that grows too old admits nobody."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from mitmclaude import auth
from mitmclaude.auth import Table
from mitmclaude.stores.secret import Secret

logger = logging.getLogger(__name__)

FRESH, STALE, KEPT = 20.0, 50.0, 300.0
"""Seconds of age after which the table is read again; after which a call waits for that; after which nobody gets in."""

WAIT = 8.0
"""Seconds from the start of a reading for which calls wait for it at most."""

PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Seconds after the first failed reading until the next; each failure doubles them."""


class Moment(NamedTuple):
    """Two clocks: the first may stand still while a machine is frozen, the second may be set back."""

    monotonic: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Seconds that passed, by the clock that tells more."""
        return max(self.monotonic - earlier.monotonic, self.wall - earlier.wall)


def now() -> Moment:
    """This moment."""
    return Moment(time.monotonic(), time.time())


class Tokens:
    """The table at one place. `secret.read` may take as long as it likes: it is called in a thread, once at a time."""

    def __init__(self, secret: Secret, clock: Callable[[], Moment] = now) -> None:
        """Read it for the first time: OSError or ValueError where that fails."""
        self._secret = secret
        self._clock = clock
        self.table: Table = auth.parse(secret.read())
        self._read_at = clock()
        self._started = self._read_at
        self._reading: asyncio.Future[None] | None = None
        self._failures = 0
        self._next = -1.0

    @property
    def is_stale(self) -> bool:
        """Whether `refresh` may wait."""
        return self._age() > STALE

    async def refresh(self) -> str | None:
        """See to it that a revoked token is refused within a minute; why nobody can be let in, or None.

        Calls wait for a reading only when the table is stale, as after a thaw. While readings fail they do not wait.
        """
        now = self._clock()
        if self._age() > FRESH and self._reading is None and (not self._failures or now.monotonic >= self._next):
            self._begin(now)
        if self._reading is not None and self.is_stale and not self._failures:
            left = WAIT - now.since(self._started)
            if left > 0:
                await asyncio.wait([self._reading], timeout=left)
        age = self._age()
        return f"the table of tokens could not be read for {age:.0f} s: nobody is let in" if age > KEPT else None

    def _age(self) -> float:
        return self._clock().since(self._read_at)

    def _begin(self, now: Moment) -> None:
        loop = asyncio.get_running_loop()
        self._started, self._reading = now, loop.create_future()

        def read() -> None:
            found: Table | Exception
            try:
                found = auth.parse(self._secret.read())
            except Exception as error:  # noqa: BLE001  whatever the place raises
                found = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(self._end, now, found)

        threading.Thread(target=read, name="mitmclaude tokens", daemon=True).start()  # a silent place holds no exit

    def _end(self, started: Moment, found: Table | Exception) -> None:
        if isinstance(found, Exception):
            self._failures += 1
            pause = min(PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE)
            self._next = self._clock().monotonic + pause
            said = str(found) if isinstance(found, OSError | ValueError) else type(found).__name__
            logger.warning("tokens are %.0f s old, as they cannot be read: %s", self._age(), said)
        else:
            if self._failures:
                logger.warning("tokens can be read again")
            self._failures = 0
            self.table, self._read_at = found, started
        if self._reading is not None:
            self._reading.set_result(None)
            self._reading = None
