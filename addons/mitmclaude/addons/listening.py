"""Who may reach the listener, and what a listener with tokens must be."""

import os
from collections.abc import Sequence

from mitmproxy import ctx
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from mitmclaude.addons.settings import is_set
from mitmclaude.options import Settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def wants_tokens(settings: Settings) -> bool:
    """Whether callers need a token."""
    return bool(settings.tokens) and settings.auth == "tokens"


def is_public() -> bool:
    """Whether anybody but this machine may reach the listener: on Lambda always."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return True
    modes = [ProxyMode.parse(mode) for mode in ctx.options.mode] if is_set("mode") else []
    default = ctx.options.listen_host if is_set("listen_host") else LOOPBACK[0]
    hosts = [mode.listen_host(default) for mode in modes]
    return any(host not in LOOPBACK for host in (hosts or [default]))


def way_around() -> str | None:
    """What in mitmproxy's options would let a caller past the tokens, or None."""
    if is_set("connection_strategy") and ctx.options.connection_strategy != "lazy":
        return "connection_strategy=eager contacts the upstream before a token is known: leave it unset"
    for name in ("ignore_hosts", "allow_hosts"):
        if getattr(ctx.options, name):
            return f"{name} lets connections pass unseen, without a token: leave it unset"
    return unguarded([ProxyMode.parse(mode) for mode in ctx.options.mode] if is_set("mode") else ())


def unguarded(modes: Sequence[ProxyMode]) -> str | None:
    """One line on the first mode in which tokens cannot be asked for: all but a reverse proxy of HTTP are tunnels."""
    for mode in modes:
        if not isinstance(mode, ReverseMode) or mode.scheme not in ("http", "https"):
            return (
                f"--mode {mode.full_spec}: tokens are asked for by a reverse proxy of HTTP only, "
                "any other mode would let everybody through: use --mode reverse:https://…, or unset claude_tokens"
            )
    return None
