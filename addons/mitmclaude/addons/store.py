"""Open the store that the options name, and send what is spooled when it is back."""

import asyncio
import logging
import os

from mitmclaude.addons.offload import Offload
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.stores.open import open_spooled
from mitmclaude.stores.several import Several
from mitmclaude.stores.spool import Spooled

logger = logging.getLogger(__name__)

DRAIN_EVERY = 5.0
"""Seconds between attempts to send what is spooled."""


class StoreAddon:
    """Holds the store; a store that cannot be written stops the start."""

    def __init__(self, options: ClaudeOptions, offload: Offload) -> None:
        self._options = options
        self._offload = offload
        self._spooled: list[Spooled] = []
        self._store = Several(())
        self._opened: tuple[str, str] | None = None
        self._drain: asyncio.Task[None] | None = None

    def configure(self, _updated: set[str]) -> None:
        settings = self._options.settings
        wanted = (settings.store, settings.spool)
        if wanted == self._opened:
            return
        self._opened = wanted
        try:
            spooled = open_spooled(settings.store, settings.spool, os.environ)
            store = Several(spooled)
            store.check()
            for each in spooled if settings.spool else ():
                each.spool.check()
        except (OSError, ValueError) as error:
            self._options.fail(f"claude_store: {error}")
        else:
            self._spooled, self._store = spooled, store

    def running(self) -> None:
        self._drain = asyncio.get_running_loop().create_task(self._drain_forever())

    def done(self) -> None:
        if self._drain is not None:
            self._drain.cancel()

    def tell(self) -> None:
        """Log what the store did not take."""
        spooled, sent, lost = (sum(getattr(s, name) for s in self._spooled) for name in ("spooled", "sent", "lost"))
        if spooled or lost:
            logger.warning("store: %d spooled, %d sent later, %d lost", spooled, sent, lost)

    def put(self, key: str, content: bytes) -> None:
        """Keep an object; blocks, and does not raise for a store that fails."""
        self._store.put(key, content)

    async def _drain_forever(self) -> None:
        while True:
            for spooled in self._spooled:
                await asyncio.wrap_future(self._offload.submit(0, spooled.drain))
            await asyncio.sleep(DRAIN_EVERY)
