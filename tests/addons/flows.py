"""Flows of a reverse proxy as mitmproxy makes them, and the parts that an addon of ours needs around it."""

from collections.abc import Mapping
from typing import Any

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow

from mitmclaude import options
from mitmclaude.addons.settings import ClaudeOptions

MODE = "reverse:http://api.test@127.0.0.1:8082"


def settled(**values: str) -> ClaudeOptions:
    """Options as they are once parsed; `values` are those given, without their prefix."""
    claude_options = ClaudeOptions()
    texts = {name: default for name, default, _ in options.declared({})}
    claude_options.settings = options.parse(texts | {f"claude_{name}": value for name, value in values.items()})
    return claude_options


def asked(
    method: str = "POST", path: str = "/v1/messages", headers: Mapping[str, str] | None = None, **more: Any
) -> http.HTTPFlow:
    """A live flow whose request headers are there, on a connection that is open."""
    flow = tflow.tflow(**more)
    flow.live = True
    flow.client_conn.proxy_mode = ProxyMode.parse(MODE)
    flow.client_conn.timestamp_end = None
    flow.request.method, flow.request.path = method, path
    flow.request.authority = ""
    fields = {"host": "api.test", "content-length": "2"} | dict(headers or {})
    flow.request.headers = http.Headers([(name.encode(), value.encode()) for name, value in fields.items()])
    return flow
