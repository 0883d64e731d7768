"""Open the store that the options name."""

import os
from collections.abc import Mapping

from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.stores.open import Spooling


class StoreAddon:
    """Holds the store; a store that cannot be written stops the start."""

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._opened: tuple[str, str] | None = None
        self._puts: Spooling | None = None

    def configure(self, _updated: set[str]) -> None:
        settings = self._options.settings
        wanted = (settings.store, settings.spool)
        if wanted == self._opened:
            return
        self._opened = wanted
        try:
            puts = Spooling(settings.store, settings.spool, os.environ)
            for spooled in puts.spooled:
                spooled.check()
                if settings.spool:
                    spooled.spool.check()
        except (OSError, ValueError) as error:
            self._options.fail(f"claude_store: {error}")
        else:
            self._puts = puts

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Keep the objects of one call; blocks within a bound, and does not raise for a store that fails."""
        assert self._puts is not None  # noqa: S101  no call comes before `configure`
        self._puts.put_all(objects)
