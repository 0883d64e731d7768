"""Say at the start where it listens, forwards and stores, and how to point Claude Code at it."""

import io
import logging
import sys
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import ServerInstance
from mitmproxy.proxy.mode_specs import RegularMode, ReverseMode

from mitmclaude.addons.listening import is_public
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.schemes import directory_of

logger = logging.getLogger(__name__)


class Banner:
    """The first lines that a user reads."""

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options

    def running(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # a log file or a pipe gets each line when it is said
        proxy = ctx.master.addons.get("proxyserver")
        for server in proxy.servers if isinstance(proxy, Proxyserver) else ():
            for text in lines(server, self._options.settings.upstream.prefix, self._options.settings.store):
                logger.info("%s", text)
        if is_public():
            who = "who holds a token (mitmclaude token)" if self._options.settings.tokens else "everybody"
            logger.info("others can reach it: %s may call", who)


def lines(server: ServerInstance[Any], prefix: str, store: str) -> list[str]:
    """What to say of one listening server."""
    if not server.listen_addrs:
        return []
    host, port, *_ = server.listen_addrs[0]
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else f'[{host}]' if ':' in host else host}:{port}"  # noqa: S104
    path = directory_of(store)
    kept = store if path is None else Path(path).expanduser().absolute()
    if isinstance(server.mode, RegularMode):
        return [
            f"mitmclaude captures calls to api.anthropic.com through the proxy {url}; stores in {kept}",
            f"    export HTTPS_PROXY={url}",
            "    export NODE_EXTRA_CA_CERTS=~/.mitmproxy/mitmproxy-ca-cert.pem",
        ]
    if not isinstance(server.mode, ReverseMode):
        return [f"mitmclaude captures calls to api.anthropic.com; stores in {kept}"]
    target = server.mode.data if "://" in server.mode.data else f"https://{server.mode.data}"
    return [
        f"mitmclaude listens on {url}, forwards to {target.rstrip('/')}{prefix}, stores in {kept}",
        "point Claude Code at it, in the shell that starts it:",
        f"    export ANTHROPIC_BASE_URL={url}",
        "    export ENABLE_TOOL_SEARCH=true   # else Claude Code turns tool search off behind a base URL",
    ]
