"""Say at the start where it listens, forwards and stores, and how to point Claude Code at it."""

import io
import logging
import socket
import sys
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import ServerInstance
from mitmproxy.proxy.mode_specs import RegularMode, ReverseMode

from mitmclaude import auth
from mitmclaude.addons.listening import is_public
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.options import Settings
from mitmclaude.schemes import directory_of

logger = logging.getLogger(__name__)


class Banner:
    """The first lines that a user reads."""

    name = "claude.banner"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options

    def running(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # a log file or a pipe gets each line when it is said
        proxy = ctx.master.addons.get("proxyserver")
        for server in proxy.servers if isinstance(proxy, Proxyserver) else ():
            for text in lines(server, self._options.settings, ctx.options.confdir):
                logger.info("%s", text)
        if is_public():
            who = "whoever holds a token (mitmclaude token)" if self._options.settings.tokens else "everybody"
            logger.info("others can reach it: %s may call", who)


def lines(server: ServerInstance[Any], settings: Settings, confdir: str) -> list[str]:
    """What to say of one listening server; mitmproxy keeps its certificate in `confdir`."""
    if not server.listen_addrs:
        return []
    store = settings.store
    host, port, *_ = server.listen_addrs[0]
    path = directory_of(store)
    kept = store if path is None else Path(path).expanduser().absolute()
    shown = own_address() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
    url = f"http://{shown}:{port}"
    if isinstance(server.mode, RegularMode):
        return [
            f"mitmclaude captures calls to api.anthropic.com through the proxy {url}; stores in {kept}",
            f"    export HTTPS_PROXY={url}",
            f"    export NODE_EXTRA_CA_CERTS={confdir}/mitmproxy-ca-cert.pem",
            *token_lines(settings),
        ]
    if not isinstance(server.mode, ReverseMode):
        return [f"mitmclaude captures calls to api.anthropic.com; stores in {kept}"]
    target = server.mode.data if "://" in server.mode.data else f"https://{server.mode.data}"
    return [
        f"mitmclaude listens on {url}, forwards to {target.rstrip('/')}{settings.upstream.prefix}, stores in {kept}",
        "point Claude Code at it, in the shell that starts it:",
        f"    export ANTHROPIC_BASE_URL={url}",
        "    export ENABLE_TOOL_SEARCH=true   # else Claude Code turns tool search off behind a base URL",
        *token_lines(settings),
    ]


def token_lines(settings: Settings) -> list[str]:
    """How a caller sends a token, where one is wanted."""
    if not settings.tokens or settings.auth == "none":
        return []
    said = [f'    export ANTHROPIC_CUSTOM_HEADERS="{auth.HEADER.decode()}: mcl_…"   # the token that you were given']
    if settings.org_key:
        said += [
            "or, with the organisation's key in place of one of your own:",
            "    export ANTHROPIC_AUTH_TOKEN=mcl_…",
        ]
    return said


def own_address() -> str:
    """This machine's address, as others see it: a UDP socket is given its source address without any traffic."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: nobody has it
            return str(probe.getsockname()[0])
    except OSError:  # no network but loopback
        return socket.gethostname()
