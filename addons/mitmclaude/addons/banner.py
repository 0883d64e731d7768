"""Say at the start where it listens, forwards and stores, and how to point Claude Code at it."""

import logging
from pathlib import Path

from mitmproxy import ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import ServerInstance
from mitmproxy.proxy.mode_specs import ReverseMode

from mitmclaude.addons.options import ClaudeOptions

logger = logging.getLogger(__name__)


class Banner:
    """The first lines that a user reads."""

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options

    def running(self) -> None:
        proxy = ctx.master.addons.get("proxyserver")
        for server in proxy.servers if isinstance(proxy, Proxyserver) else ():
            for text in lines(server, self._options.settings.upstream.prefix, self._options.settings.store):
                logger.info("%s", text)


def lines(server: ServerInstance[ReverseMode], prefix: str, store: str) -> list[str]:
    """What to say of one listening server."""
    if not server.listen_addrs:
        return []
    host, port, *_ = server.listen_addrs[0]
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else f'[{host}]' if ':' in host else host}:{port}"  # noqa: S104
    kept = store if store.endswith(":") or "://" in store else Path(store).expanduser().absolute()
    if not isinstance(server.mode, ReverseMode):
        return [
            f"mitmclaude captures calls to api.anthropic.com through the proxy {url}; stores in {kept}",
            f"    export HTTPS_PROXY={url}",
            "    export NODE_EXTRA_CA_CERTS=~/.mitmproxy/mitmproxy-ca-cert.pem",
        ]
    target = server.mode.data if "://" in server.mode.data else f"https://{server.mode.data}"
    return [
        f"mitmclaude listens on {url}, forwards to {target.rstrip('/')}{prefix}, stores in {kept}",
        "point Claude Code at it, in the shell that starts it:",
        f"    export ANTHROPIC_BASE_URL={url}",
        "    export ENABLE_TOOL_SEARCH=true   # else Claude Code turns tool search off behind a base URL",
    ]
