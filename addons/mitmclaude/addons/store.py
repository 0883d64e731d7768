"""Open the stores that the options name, and check them."""

import logging
import os

from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.recorder.messages import Stores
from mitmclaude.stores.keeper import Keeper
from mitmclaude.stores.open import open_keeper

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 3.0
"""For which the end waits for what is spooled to be sent."""


class StoreAddon:
    """A store that will take nothing until somebody changes something stops the start; of another one it warns.

    The keeper works only if it is asked for: a recorder in a process of its own has one there.
    """

    name = "claude.store"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._keeper = Keeper(())
        self._works = False
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
        self.close()
        self._keeper = keeper

    @property
    def stores(self) -> Stores:
        """What a recorder in a process of its own has to know."""
        settings = self._options.settings
        down = tuple((store.name, store.down) for store in self._keeper.stores if store.down)
        return Stores(settings.store, settings.spool, down)

    def keeper(self) -> Keeper:
        """The keeper, at work in this process from now on."""
        if not self._works:
            self._works = True
            self._keeper.start()
        return self._keeper

    def ending(self) -> None:
        """Let nothing wait for long from now on."""
        self._keeper.ending()

    def close(self) -> None:
        """Send what can be sent at the end, and log what the stores did not take."""
        if self._works:
            self._works = False
            self._keeper.close(CLOSE_SECONDS)
            self._keeper.log_counts()
