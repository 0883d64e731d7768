"""Listen as a reverse proxy on loopback when nothing else was asked for.

mitmproxy reads `mode` and begins to open its sockets one turn of the event loop before it loads scripts, so that an
addon which sets `mode` comes too late, and an open proxy on all interfaces would stand for a moment or for good.
At that moment nothing is bound yet (the addresses are still being looked up), so the addon replaces the process by
the same command with what is missing written out. No other socket is ever open; a test traces it.
"""

import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Never

from mitmproxy import ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from mitmclaude.addons.settings import ClaudeOptions, is_set
from mitmclaude.addons.signals import let_signals_kill
from mitmclaude.arguments import HOST, PORT
from mitmclaude.options import Upstream
from mitmclaude.recorder.spawn import AGAIN

QUIET = "--set", "termlog_verbosity=warn"
"""Given to the second start, where the user says nothing of it: what it logs until we are loaded was logged before."""

TOOLS = ("mitmdump", "mitmweb", "mitmproxy")

DEFAULTS = {"connection_strategy": "lazy", "tcp_timeout": 3600}
"""An upstream that is down then leaves a record; a long silence before an answer does not cut it."""


PORTS = logging.getLogger("mitmproxy.addons.proxyserver")

_TAKEN = re.compile(r"failed to listen on (\S+):(\d+) with (.*)", re.DOTALL)


class PortTaken(logging.Filter):
    """Says of an address that cannot be had what to do, in one line in place of mitmproxy's."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR and (line := port_line(record.getMessage())):
            record.msg, record.args = f"mitmclaude: {line}", ()
        return True


def port_line(failure: str) -> str | None:
    """What to say of a port, from what mitmproxy says of a server that did not start; None of any other failure."""
    if (found := _TAKEN.search(failure)) is None:
        return None
    host, port, reason = found.groups()
    why = "is taken" if "in use" in reason else f"cannot be opened ({reason.partition(chr(10))[0]})"
    is_in_mode = any("@" in mode and re.search(rf"[@:]{port}$", mode) for mode in ctx.options.mode)
    return f"port {port} of {host} {why}: choose another with {'--mode …@PORT' if is_in_mode else '--listen-port PORT'}"


class Listen:
    """Sets what the user left open: mode, listening address, and mitmproxy's options that suit long answers."""

    name = "claude.listen"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._taken = PortTaken()
        self._done = False

    def load(self, _loader: object) -> None:
        PORTS.addFilter(self._taken)
        if os.environ.get(AGAIN) == f"{os.getpid()} quiet" and ctx.options.termlog_verbosity == "warn":
            ctx.options.update(termlog_verbosity="info")

    def configure(self, _updated: set[str]) -> None:
        if self._done:
            return
        self._done = True
        self._settle()
        for failure in failures():  # an address given as numbers is bound before a script is loaded
            if line := port_line(failure):
                self._options.fail(line)
        if self._options.failed:
            raise SystemExit(1)  # at once: mitmproxy would first open what it takes for the right port

    def done(self) -> None:
        PORTS.removeFilter(self._taken)

    def _settle(self) -> None:
        settings = self._options.settings
        ctx.options.update(**{name: value for name, value in DEFAULTS.items() if not is_set(name)})
        modes = [ProxyMode.parse(mode) for mode in ctx.options.mode] if is_set("mode") else None
        if problem := conflict(modes, settings.upstream, is_set("claude_upstream")):
            self._options.fail(problem)
        more = missing(modes, is_set("listen_host"), is_set("listen_port"), settings.upstream.origin)
        if ctx.options.server and more and not self._options.failed:
            if can_start_again():
                start_again(more)
            self._options.fail(f"would listen on all interfaces; start it with these arguments: {' '.join(more)}")
        all_reverse = modes and all(isinstance(mode, ReverseMode) for mode in modes)
        if all_reverse and "flow_detail" in ctx.options and not is_set("flow_detail"):
            ctx.options.update(flow_detail=0)  # our line for each call stands in place of mitmproxy's


def missing(modes: Sequence[ProxyMode] | None, host_is_set: bool, port_is_set: bool, origin: str) -> list[str]:
    """The arguments to add to the command line; `modes` is None where the user gave none."""
    more = []
    if modes is None:
        more += ["--mode", f"reverse:{origin}"]
        more += [] if port_is_set else ["--listen-port", str(PORT)]
    if not host_is_set and (modes is None or any(_is_open(mode) for mode in modes)):
        more += ["--listen-host", HOST]
    return more


def failures() -> list[str]:
    """What mitmproxy says of servers that did not start."""
    proxy = ctx.master.addons.get("proxyserver")
    servers = proxy.servers if isinstance(proxy, Proxyserver) else ()
    return [str(server.last_exception) for server in servers if server.last_exception]


def _is_open(mode: ProxyMode) -> bool:
    return mode.custom_listen_host is None and mode.default_port is not None


def conflict(modes: Sequence[ProxyMode] | None, upstream: Upstream, upstream_is_set: bool) -> str | None:
    """One line where --mode and claude_upstream name different upstreams."""
    targets = [mode.data for mode in modes or () if isinstance(mode, ReverseMode)]
    wrong = [data for data in targets if (data if "://" in data else f"https://{data}").rstrip("/") != upstream.origin]
    if wrong and upstream_is_set:
        return f"--mode reverse:{wrong[0]} and claude_upstream={upstream.origin} differ: give one of them"
    return None


def is_starting() -> bool:
    """Whether mitmproxy goes on with its start: a SIGINT in its first moments ended it before a server was made."""
    proxy = ctx.master.addons.get("proxyserver")
    return isinstance(proxy, Proxyserver) and len(proxy.servers) > 0


def can_start_again() -> bool:
    """Whether this process is a tool of mitmproxy that can be replaced, and was not just now."""
    tool = Path(sys.argv[0]).name.removesuffix(".exe")
    return tool in TOOLS and os.name == "posix" and os.environ.get(AGAIN, "").partition(" ")[0] != str(os.getpid())


def start_again(more: Sequence[str]) -> Never:
    """Replace this process by the same command with `more` arguments, unless it was told to stop."""
    command = sys.argv if getattr(sys, "frozen", False) else sys.orig_argv
    quiet = () if is_set("termlog_verbosity") else QUIET
    os.environ[AGAIN] = f"{os.getpid()} quiet" if quiet else str(os.getpid())  # exec keeps the process id
    sys.stdout.flush()
    sys.stderr.flush()
    if let_signals_kill() or not is_starting():
        raise SystemExit(0)
    os.execv(sys.executable, [sys.executable, *command[1:], *more, *quiet])  # noqa: S606
