"""Idle addons of mitmproxy leave mitmdump's chain and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mitmproxy import addons as mitmproxy_addons
from mitmproxy import exceptions, hooks, options
from mitmproxy.addonmanager import Loader
from mitmproxy.log import LegacyLogEvents
from mitmproxy.tools.dump import DumpMaster
from mitmproxy.tools.web.master import WebMaster

from mitmclaude.addons.lean import BUSY, IDLE, Lean, name_of
from mitmclaude.addons.settings import ClaudeOptions

REVERSE = "reverse:http://127.0.0.1:1"


@asynccontextmanager
async def master(*more: object, kind: Callable[..., Any] = DumpMaster, **set_options: Any) -> AsyncIterator[Any]:
    """A real master with our addon, as it is once all of them run; options of mitmproxy as given."""
    opened = kind(options.Options(), with_termlog=False)
    settings = ClaudeOptions()
    lean = Lean(settings)
    opened.addons.add(settings, lean, *more)
    opened.options.update(mode=[REVERSE], server=False, **set_options)
    opened.addons.get("errorcheck").finish()
    await opened.addons.trigger_event(hooks.RunningHook())
    if lean._taking is not None:
        await lean._taking
    yield opened
    opened.should_exit.set()
    await opened.done()


def chain(opened: Any) -> list[str]:
    return [name_of(addon) for addon in opened.addons.chain]


class _Declared(Loader):
    def __init__(self) -> None:
        self.names: list[str] = []

    def add_option(self, name: str, *_: object, **__: object) -> None:
        self.names.append(name)


def test_every_addon_of_mitmproxy_is_known() -> None:
    """A new version that brings another addon, or another option of one that we take out, makes this fail: look at it."""
    ours = {name_of(addon): addon for addon in mitmproxy_addons.default_addons()}
    assert sorted(ours) == sorted([*IDLE, *BUSY])
    for name, known in IDLE.items():
        declared = _Declared()
        if hasattr(ours[name], "load"):
            ours[name].load(declared)
        # what it does without one of these set is in the table's favour
        assert set(declared.names) <= set(known), name


async def test_idle_addons_leave_and_are_still_known() -> None:
    """Those with nothing to do are out; the others stay in order; names and commands still find all."""
    async with master() as opened:
        left = chain(opened)
        assert not set(left) & set(IDLE)
        assert [name for name in left if name in BUSY] == [
            name_of(addon) for addon in mitmproxy_addons.default_addons() if name_of(addon) in BUSY
        ]
        assert {"keepserving", "readfilestdin", "errorcheck", "dumper"} <= set(left)
        for name in (*IDLE, *BUSY):
            assert opened.addons.get(name) is not None
        assert opened.commands.execute("export.formats")


async def test_an_option_brings_one_back() -> None:
    """Set later, an option takes effect: its addon stands where it stood and is configured."""
    async with master() as opened:
        opened.options.update(modify_headers=["/~q/x-added/yes"], block_list=["/~u nothing/444"])
        left = chain(opened)
        whole = [name_of(addon) for addon in mitmproxy_addons.default_addons()]
        assert [name for name in whole if name in left] == [name for name in left if name in whole]
        assert {"modifyheaders", "blocklist"} <= set(left)
        assert opened.addons.get("modifyheaders").replacements
        assert opened.addons.get("blocklist").items


async def test_a_wrong_value_set_later_is_refused() -> None:
    """An addon that is out refuses a wrong value like one that is in."""
    async with master() as opened:
        with pytest.raises(exceptions.OptionsError):
            opened.options.update(modify_headers=["/x"])
        assert opened.options.modify_headers == []


@pytest.mark.parametrize(
    ("given", "stays"),
    [
        ({"anticache": True}, "anticache"),
        ({"save_stream_file": "/dev/null"}, "save"),
        ({"proxyauth": "any"}, "proxyauth"),
        ({"claude_lean": "off"}, "export"),
    ],
)
async def test_an_option_keeps_one(given: dict[str, Any], stays: str) -> None:
    """An addon with an option set stays; all do with `claude_lean=off`."""
    async with master(**given) as opened:
        assert stays in chain(opened)
        assert ("cut" in chain(opened)) is ("claude_lean" in given)


async def test_modes_that_need_more_keep_it() -> None:
    """A forward proxy keeps the pages that hand out its certificate; DNS keeps what answers it."""
    async with master() as opened:
        opened.options.update(mode=["regular"])
        assert "onboarding" in chain(opened)
        assert "dnsresolver" not in chain(opened)
        opened.options.update(mode=["dns"])
        assert {"dnsresolver", "stripdnshttpsrecords"} <= set(chain(opened))


class _Runs:
    name = "runs"

    def __init__(self) -> None:
        self.events: list[str] = []

    def running(self) -> None:
        self.events.append("running")

    def done(self) -> None:
        self.events.append("done")


async def test_nobody_misses_an_event() -> None:
    """Every addon hears that it runs, once, and of the end, those that are out as well."""
    runs = _Runs()
    ends: list[str] = []
    async with master(runs) as opened:
        for name in ("save", "browser", "commandhistory"):
            opened.addons.get(name).done = lambda name=name: ends.append(name)
    assert runs.events == ["running", "done"]
    assert sorted(ends) == ["browser", "commandhistory", "save"]


async def test_the_old_log_event_is_spared_only_where_nobody_wants_it() -> None:
    """The event `add_log` of old addons is fired where there is one of them."""
    import logging

    class Old:
        def add_log(self, _entry: object) -> None:
            pass

    for more, fired in (((), False), ((Old(),), True)):
        async with master(*more):
            handlers = [h for h in logging.getLogger().handlers if isinstance(h, LegacyLogEvents)]
            assert bool(handlers) is fired
        await asyncio.sleep(0)


async def test_mitmweb_keeps_all() -> None:
    """Where options change while one looks on, nothing leaves."""
    async with master(kind=WebMaster) as opened:
        assert set(IDLE) <= set(chain(opened))
