"""A store that does not lose what another store would not take: it spools to local disk and sends later."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from mitmclaude.stores.protocol import Store

logger = logging.getLogger(__name__)

PAUSES = (0.05, 0.2)
"""Seconds before the second and third try of a put, unless told otherwise."""

DOWN = 5.0
"""Seconds for which a store that failed is not asked again."""


class Spooled:
    """Puts into `store`; after some tries into `spool`, from where `drain` sends to `store` once that is back.

    For a while after a failure puts go straight to `spool`, so that nobody waits for the tries again.
    `spooled`, `sent` and `lost` count objects.
    """

    def __init__(
        self,
        store: Store,
        spool: Store,
        *,
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.spool = spool
        self.spooled = self.sent = self.lost = 0
        self._pauses = tuple(pauses)
        self._sleep = sleep
        self._clock = clock
        self._down_until = -math.inf
        self._draining = threading.Lock()

    def check(self) -> None:
        self.store.check()

    def put(self, key: str, content: bytes) -> None:
        failure = self._try(key, content)
        if failure is None:
            return
        self._down_until = self._clock() + DOWN
        try:
            self.spool.put(key, content)
        except OSError as error:
            self.lost += 1
            logger.error("lost %s: the store says: %s; the spool says: %s", key, failure, error)  # noqa: TRY400
        else:
            self.spooled += 1
            logger.warning("spooled %s until the store takes it: %s", key, failure)

    def get(self, key: str) -> bytes:
        try:
            return self.store.get(key)
        except KeyError:
            return self.spool.get(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(sorted({*self.store.keys(prefix), *self.spool.keys(prefix)}))

    def delete(self, key: str) -> None:
        self.store.delete(key)
        self.spool.delete(key)

    def drain(self) -> int:
        """Send what is spooled, oldest key first, until the store refuses; the number of objects sent."""
        sent = 0
        with self._draining:
            for key in self.spool.keys(""):
                try:
                    self.store.put(key, self.spool.get(key))
                except KeyError:  # another process has sent it
                    continue
                except OSError as error:
                    logger.debug("still spooled: %s: %s", key, error)
                    break
                self.spool.delete(key)
                sent += 1
            else:
                self._down_until = -math.inf
        self.sent += sent
        if sent:
            logger.warning("sent %d spooled objects to the store", sent)
        return sent

    def _try(self, key: str, content: bytes) -> OSError | None:
        if self._clock() < self._down_until:
            return OSError("it was down a moment ago")
        for pause in (*self._pauses, None):
            try:
                self.store.put(key, content)
            except OSError as error:
                if pause is None:
                    return error
                self._sleep(pause)
            else:
                break
        return None
