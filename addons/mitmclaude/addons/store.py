"""Open the stores that the options name, and keep the objects of calls in them."""

import logging
import os
import threading
from collections.abc import Mapping

from mitmclaude.addons.offload import Offload
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.stores.keeper import Keeper
from mitmclaude.stores.open import open_keeper

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 3.0
"""For which the end waits for what is spooled to be sent."""


class StoreAddon:
    """Holds the stores; one that will take nothing until somebody changes something stops the start."""

    def __init__(self, options: ClaudeOptions, offload: Offload) -> None:
        del offload
        self._options = options
        self._keeper = Keeper(())
        self._opened: tuple[str, str] | None = None

    def configure(self, _updated: set[str]) -> None:
        settings = self._options.settings
        wanted = (settings.store, settings.spool)
        if wanted == self._opened:
            return
        self._opened = wanted
        try:
            keeper = open_keeper(settings.store, settings.spool, os.environ)
            down = keeper.check()
            for each in keeper.stores if settings.spool else ():
                each.spool.check()
        except (OSError, ValueError) as error:
            self._options.fail(f"claude_store: {error}")
            return
        for why in down:
            logger.warning("claude_store: %s: what it is to keep is spooled until it is back", why)
        keeper.start()
        before, self._keeper = self._keeper, keeper
        threading.Thread(target=before.close, args=(CLOSE_SECONDS,), daemon=True).start()

    def tell(self) -> None:
        """Send what can be sent at the end, and log what the stores did not take."""
        self._keeper.close(CLOSE_SECONDS)
        counts = self._keeper.counts
        if any(counts):
            refused = f", {counts.refused} refused" if counts.refused else ""
            logger.warning(
                "store: %d spooled, %d sent later, %d lost%s", counts.spooled, counts.sent, counts.lost, refused
            )

    def put(self, key: str, content: bytes) -> None:
        """Keep an object; blocks for a bounded time, and does not raise for a store that fails."""
        self._keeper.put_all({key: content})

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Keep the objects of one call, side by side; otherwise as `put`."""
        self._keeper.put_all(objects)
