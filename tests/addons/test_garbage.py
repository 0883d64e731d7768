"""What Python looks at again and again."""

import asyncio
import gc

import pytest

from mitmclaude import options
from mitmclaude.addons import garbage
from mitmclaude.addons.garbage import YOUNG, Garbage
from mitmclaude.addons.settings import ClaudeOptions


@pytest.mark.parametrize(("lean", "frozen"), [("on", True), ("off", False)])
async def test_what_was_loaded_is_left_alone(monkeypatch: pytest.MonkeyPatch, lean: str, frozen: bool) -> None:
    """From the start on, and until the addon goes."""
    monkeypatch.setattr(garbage, "is_mitmdump", lambda: True)
    settled = ClaudeOptions()
    settled.settings = options.parse(
        {**{name: default for name, default, _ in options.declared({})}, "claude_lean": lean}
    )
    before, addon = gc.get_threshold(), Garbage(settled)
    addon.running()
    await asyncio.sleep(0.05)
    assert (gc.get_freeze_count() > 1000) == frozen
    assert (gc.get_threshold()[0] == YOUNG) == frozen
    addon.done()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before
