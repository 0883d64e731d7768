"""Fire mitmproxy's events at the addons that have a method for them, without asking all others each time.

Half of what mitmdump spends on a call is its walk over the addons: 36 of its own, ours one level below, eight events a
call. Which of them has a method of a name does not change while they run; so it is looked up once for each event.
What mitmproxy promises stays: the order, awaited coroutines, `AddonHalt`, an error that is logged and goes no further.
Unlike there, an error in one script does not keep the event from the scripts after it.
"""

import inspect
import types
from collections.abc import Callable
from typing import Any

from mitmproxy import ctx, exceptions, hooks
from mitmproxy.addonmanager import AddonManager, safecall, traverse

from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.tools import is_mitmdump

type Method = Callable[..., Any]

CHANGING = ("register", "remove", "clear")
"""Methods of the addon manager after which other addons are there."""

STATIC = ("mitmproxy.", "mitmclaude.")
"""Modules whose addons get no methods while they run; of all others the methods are looked up each time."""


class Dispatch:
    """Replaces `trigger_event` and `trigger` of the one addon manager that there is while mitmdump runs."""

    name = "claude.dispatch"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._restored: Callable[[], None] | None = None

    def running(self) -> None:
        if self._options.settings.lean == "on" and is_mitmdump() and self._restored is None:
            self._restored = install(ctx.master.addons)

    def configure(self, updated: set[str]) -> None:
        if self._restored is not None and ("scripts" in updated or self._options.settings.lean == "off"):
            self.done()
            if self._options.settings.lean == "on":
                self._restored = install(ctx.master.addons)

    def done(self) -> None:
        if self._restored is not None:
            self._restored()
            self._restored = None


def install(addons: AddonManager) -> Callable[[], None]:
    """Give an addon manager the quicker `trigger_event`; the function returned takes it away again."""
    known: dict[str, list[tuple[Any, Method | None]]] = {}
    chain = addons.chain

    async def trigger_event(event: hooks.Hook) -> None:
        methods = known_methods(event.name)
        if not methods:
            return
        arguments = event.args()
        for addon, method in methods:
            try:
                called = method or method_of(addon, event.name)
                result = called(*arguments) if called else None
                if result is not None and inspect.isawaitable(result):
                    await result
            except exceptions.AddonHalt:
                return
            except Exception:
                with safecall():
                    raise

    def trigger(event: hooks.Hook) -> None:
        """As `trigger_event`, for whoever cannot wait."""
        arguments = event.args()
        for addon, method in known_methods(event.name):
            try:
                called = method or method_of(addon, event.name)
                if inspect.iscoroutinefunction(called):
                    raise exceptions.AddonManagerError(f"async handler {event.name} ({addon}) of a sync event")  # noqa: TRY301
                if called:
                    called(*arguments)
            except exceptions.AddonHalt:
                return
            except Exception:
                with safecall():
                    raise

    def known_methods(name: str) -> list[tuple[Any, Method | None]]:
        nonlocal chain
        if addons.chain is not chain:
            known.clear()
            chain = addons.chain
        methods = known.get(name)
        if methods is None:
            methods = known[name] = methods_of(addons, name)
        return methods

    def forgetting(original: Method) -> Method:
        def method(*arguments: Any) -> Any:
            try:
                return original(*arguments)
            finally:
                known.clear()

        return method

    for name in CHANGING:
        setattr(addons, name, forgetting(getattr(addons, name)))
    addons.trigger_event = trigger_event  # type: ignore[method-assign]
    addons.trigger = trigger  # type: ignore[method-assign]

    def restore() -> None:
        for name in (*CHANGING, "trigger_event", "trigger"):
            delattr(addons, name)  # the class's own are found again

    return restore


def methods_of(addons: AddonManager, event: str) -> list[tuple[Any, Method | None]]:
    """The addons that may have a method for an event, in order, with the method where it cannot change."""
    found: list[tuple[Any, Method | None]] = []
    for addon in traverse(addons.chain):
        module = addon.__name__ if isinstance(addon, types.ModuleType) else type(addon).__module__
        if not module.startswith(STATIC):
            found.append((addon, None))
        elif method := method_of(addon, event):
            found.append((addon, method))
    return found


def method_of(addon: Any, event: str) -> Method | None:
    """An addon's method for an event. A module that an addon imported may have the event's name: it is none."""
    method = getattr(addon, event, None)
    if not method or isinstance(method, types.ModuleType):
        return None
    if not callable(method):
        raise exceptions.AddonManagerError(f"Addon handler {event} ({addon}) not callable")
    return method  # type: ignore[no-any-return]
