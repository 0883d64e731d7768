"""Take those of mitmproxy's own addons out of mitmdump's chain that have nothing to do.

mitmproxy asks each of its addons at each event of each call, some eight rounds a call; most of them act only if an
option of theirs is set. Out of the chain they stay known by name (`ctx.master.addons.get`), their commands work, and an
option that is set later brings them back. In mitmweb and the console options change while one looks on: all stay.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from mitmproxy import ctx, hooks
from mitmproxy.addonmanager import AddonManager, traverse
from mitmproxy.log import LegacyLogEvents
from mitmproxy.proxy.mode_specs import ProxyMode, RegularMode, ReverseMode

from mitmclaude.addons.opening import started
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.tools import is_mitmdump

IDLE: dict[str, tuple[str, ...]] = {
    "anticache": ("anticache",),
    "anticomp": ("anticomp",),
    "blocklist": ("block_list",),
    "browser": (),
    "commandhistory": ("command_history",),
    "comment": (),
    "cut": (),
    "dnsresolver": ("dns_use_hosts_file", "dns_name_servers"),
    "export": ("export_preserve_original_ip",),
    "maplocal": ("map_local",),
    "mapremote": ("map_remote",),
    "modifybody": ("modify_body",),
    "modifyheaders": ("modify_headers",),
    "onboarding": ("onboarding", "onboarding_host"),
    "proxyauth": ("proxyauth",),
    "save": ("save_stream_file", "save_stream_filter"),
    "savehar": ("hardump",),
    "stickyauth": ("stickyauth",),
    "stickycookie": ("stickycookie",),
    "stripdnshttpsrecords": ("strip_ech",),
    "upstreamauth": ("upstream_auth",),
}
"""Addons that do nothing at their defaults, each with all options that it declares."""

BUSY = (
    "block",  # refuses connections from public addresses
    "clientplayback",  # its end is awaited, which only the chain does
    "core",
    "disableh2c",  # answers a wish for another protocol
    "nextlayer",
    "proxyserver",
    "scriptloader",  # holds us
    "serverplayback",  # a command may give it flows at any time
    "tlsconfig",
    "updatealtsvc",  # changes a header of reverse proxies
)
"""Addons of `mitmproxy.addons.default_addons` that stay, whatever the options are."""

NAMES_HOSTS = ("dnsresolver", "stripdnshttpsrecords")
"""They act on DNS queries, which come in by some modes only."""


class Lean:
    """Takes idle addons out one turn after the start, and puts them back where an option of theirs is set."""

    name = "claude.lean"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._out: dict[str, tuple[int, Any]] = {}
        """By name: the addon, and how many stood before it in the whole chain."""
        self._legacy_log: list[LegacyLogEvents] = []
        self._taking: asyncio.Task[None] | None = None

    def running(self) -> None:
        if self._options.settings.lean == "on" and is_mitmdump():
            # mitmproxy walks the chain now: whoever changes it makes it skip the `running` of others
            self._taking = asyncio.get_running_loop().create_task(self._take_out_when_started())

    def configure(self, updated: set[str]) -> None:
        if "scripts" in updated:
            self._restore_legacy_log()
        wanted = {name for name in self._out if updated.intersection((*IDLE[name], "mode", "claude_lean"))}
        self._put_back([name for name in wanted if not is_idle(name) or self._options.settings.lean == "off"])

    def done(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
        out = [addon for _, addon in self._out.values()]
        self._put_back(list(self._out), configure=False)
        self._restore_legacy_log()
        if ctx.master.should_exit.is_set():  # else it is only we who go
            for addon in out:  # mitmproxy walks the chain that it had before
                ctx.master.addons.invoke_addon_sync(addon, hooks.DoneHook())

    async def _take_out_when_started(self) -> None:
        await started()
        addons: AddonManager = ctx.master.addons
        for place, addon in enumerate(addons.chain):
            name = name_of(addon)
            if addons.get(name) is addon and type(addon).__module__.startswith("mitmproxy.") and is_idle(name):
                self._out[name] = (place, addon)
        addons.chain = [addon for addon in addons.chain if name_of(addon) not in self._out]
        if not any(hasattr(addon, "add_log") for addon in traverse(addons.chain)):
            self._drop_legacy_log()

    def _drop_legacy_log(self) -> None:
        """Spare each log line a walk over the chain for an event that mitmproxy had before version 9."""
        self._legacy_log = [handler for handler in logging.getLogger().handlers if isinstance(handler, LegacyLogEvents)]
        for handler in self._legacy_log:
            handler.uninstall()

    def _restore_legacy_log(self) -> None:
        while self._legacy_log:
            self._legacy_log.pop().install()

    def _put_back(self, names: Sequence[str], *, configure: bool = True) -> None:
        """Where each stood; it hears of its options, as mitmproxy walks the chain that it had before."""
        addons: AddonManager = ctx.master.addons
        back = [self._out.pop(name) for name in sorted(names, key=lambda name: self._out[name][0])]
        chain = list(addons.chain)
        back = [(place, addon) for place, addon in back if addons.get(name_of(addon)) is addon]  # not removed since
        for place, addon in back:
            chain.insert(place - sum(other < place for other, _ in self._out.values()), addon)
        addons.chain = chain
        for _, addon in back if configure else ():
            addons.invoke_addon_sync(addon, hooks.ConfigureHook(set(IDLE[name_of(addon)])))


def name_of(addon: object) -> str:
    """The name under which mitmproxy knows an addon."""
    return str(getattr(addon, "name", type(addon).__name__.lower()))


def is_idle(name: str) -> bool:
    """Whether the addon of mitmproxy of that name has nothing to do with the options as they are."""
    if name not in IDLE or any(option not in ctx.options for option in IDLE[name]):
        return False
    modes = [ProxyMode.parse(mode) for mode in ctx.options.mode]
    if name == "onboarding":  # on by default; a reverse proxy has no pages of its own
        if not ctx.options.onboarding:
            return True
        if not all(isinstance(mode, ReverseMode) for mode in modes):
            return False
    if name in NAMES_HOSTS and not all(carries_http_only(mode) for mode in modes):
        return False
    return not any(ctx.options.has_changed(option) for option in IDLE[name])


def carries_http_only(mode: ProxyMode) -> bool:
    """Whether no DNS query comes in by a mode."""
    return isinstance(mode, RegularMode) or (isinstance(mode, ReverseMode) and mode.scheme in ("http", "https"))
