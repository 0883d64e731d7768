"""Spare mitmdump long pauses: what was loaded at the start is no garbage, and need not be looked at again and again.

Python looks for garbage in cycles after some thousand new objects, now and then among all there are: with mitmproxy
loaded that takes tens of milliseconds, for which every stream stands still.
"""

import asyncio
import gc

from mitmclaude.addons.opening import started
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.tools import is_mitmdump

YOUNG = 10_000
"""New objects between two looks; a call makes some hundred that are in cycles."""


class Garbage:
    """Takes what is there after the start out of the search."""

    name = "claude.garbage"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._thresholds: tuple[int, int, int] | None = None
        self._freezing: asyncio.Task[None] | None = None

    def running(self) -> None:
        if self._options.settings.lean == "on" and is_mitmdump() and self._thresholds is None:
            self._freezing = asyncio.get_running_loop().create_task(self._freeze_when_started())

    def done(self) -> None:
        if self._freezing is not None:
            self._freezing.cancel()
        if self._thresholds is not None:
            gc.set_threshold(*self._thresholds)
            gc.unfreeze()
            self._thresholds = None

    async def _freeze_when_started(self) -> None:
        await started()
        self._thresholds = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(YOUNG, *self._thresholds[1:])
