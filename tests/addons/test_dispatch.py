"""The quicker way to fire events does what mitmproxy's does."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mitmproxy import exceptions, hooks
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook
from mitmproxy.test import taddons, tflow

from mitmclaude.addons import dispatch


class Addon:
    """Notes which events it hears; does what it is told."""

    def __init__(self, name: str, heard: list[str], *inner: object, fails: Exception | None = None) -> None:
        self.name = name
        self.addons = list(inner)
        self._heard = heard
        self._fails = fails

    def request(self, _flow: object) -> None:
        self._heard.append(self.name)
        if self._fails is not None:
            raise self._fails


class Slow(Addon):
    async def request(self, flow: object) -> None:  # type: ignore[override]
        import asyncio

        await asyncio.sleep(0.01)
        super().request(flow)


@pytest.fixture(params=["mitmproxy's", "static", "dynamic"])
async def context(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A master that fires events in mitmproxy's way, or in ours, with methods known or looked up."""
    with taddons.context() as opened:
        if request.param == "static":
            monkeypatch.setattr(dispatch, "STATIC", ("mitmproxy.", "mitmclaude.", "tests."))
        if request.param != "mitmproxy's":
            dispatch.install(opened.master.addons)
        yield opened


async def fire(context: Any) -> None:
    await context.master.addons.trigger_event(HttpRequestHook(tflow.tflow()))


async def test_order_and_waiting(context: Any) -> None:
    """Addons hear in the order of the chain, those inside another after it; a coroutine is awaited."""
    heard: list[str] = []
    inner = Slow("b", heard), Addon("c", heard)
    context.master.addons.add(Addon("a", heard, *inner), Addon("d", heard))
    await fire(context)
    await fire(context)
    assert heard == ["a", "b", "c", "d"] * 2


async def test_addons_that_come_and_go(context: Any) -> None:
    """One that is added, removed, or put into the chain by hand counts from the next event on."""
    heard: list[str] = []
    first, second, third = (Addon(name, heard) for name in "abc")
    context.master.addons.add(first)
    await fire(context)
    context.master.addons.add(second)
    await fire(context)
    context.master.addons.remove(first)
    await fire(context)
    context.master.addons.chain = [third, *context.master.addons.chain]
    await fire(context)
    assert heard == ["a", "a", "b", "b", "c", "b"]


async def test_a_halt_ends_the_event(context: Any) -> None:
    """`AddonHalt` keeps the event from the addons after it."""
    heard: list[str] = []
    context.master.addons.add(Addon("a", heard, fails=exceptions.AddonHalt()), Addon("b", heard))
    await fire(context)
    assert heard == ["a"]


async def test_an_error_is_logged_and_goes_no_further(context: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An addon that raises is told with its traceback; the next in the chain hears the event."""
    heard: list[str] = []
    context.master.addons.add(Addon("a", heard, fails=KeyError("oops")), Addon("b", heard))
    await fire(context)
    assert heard == ["a", "b"]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "Addon error: 'oops'"
    assert record.exc_info


async def test_a_module_of_an_events_name_is_no_method(context: Any) -> None:
    """An addon that imported a module under an event's name is passed over."""
    heard: list[str] = []
    addon = Addon("a", heard)
    addon.request = logging  # type: ignore[method-assign, assignment]
    context.master.addons.add(addon, Addon("b", heard))
    await fire(context)
    assert heard == ["b"]


async def test_an_event_that_nobody_wants(context: Any) -> None:
    """An event without any method is none."""
    await context.master.addons.trigger_event(hooks.UpdateHook([tflow.tflow()]))


async def test_a_script_that_fails_hides_no_other() -> None:
    """Scripts stand below one addon; an error in one does not keep an event from those after it."""
    heard: list[str] = []
    with taddons.context() as opened:
        dispatch.install(opened.master.addons)
        opened.master.addons.add(Addon("all", heard, Addon("a", heard, fails=ValueError()), Addon("b", heard)))
        await fire(opened)
    assert heard == ["all", "a", "b"]


async def test_methods_given_later() -> None:
    """A user's addon may get a method at any time."""
    heard: list[str] = []
    with taddons.context() as opened:
        dispatch.install(opened.master.addons)
        addon: Any = type("Plain", (), {"name": "plain"})()
        opened.master.addons.add(addon)
        await fire(opened)
        addon.request = lambda _flow: heard.append("later")
        await fire(opened)
    assert heard == ["later"]


def test_it_goes_without_a_trace() -> None:
    """Taken away, the manager is mitmproxy's own again."""
    with taddons.context() as opened:
        addons = opened.master.addons
        before = dict(vars(addons))
        dispatch.install(addons)()
        assert vars(addons) == before
