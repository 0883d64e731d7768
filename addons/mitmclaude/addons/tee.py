"""Pass answers on as they come and keep what passed.

Every answer with a body streams through a tap. A record is stored before the client sees the end of its answer:
mitmproxy awaits the `response` hook before it ends a chunked body, or closes the connection of one without a length;
of a body whose length was told, the last byte is held back until then.
"""

import asyncio

from mitmproxy import ctx, http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.net.http.http1 import expected_http_body_size

from mitmclaude.addons.live import Live
from mitmclaude.addons.tap import ChainedTap, Tap


class Tee:
    """Sets the tap on each captured flow."""

    name = "claude.tee"

    def __init__(self, live: Live) -> None:
        self._live = live

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        capture = self._live.get(flow.id)
        if capture is None or flow.response is None or flow.response.raw_content is not None:
            return  # not ours, or made by an addon, body and all
        capture.upstream_headers = capture.elapsed()
        capture.response_headers = tuple(flow.response.headers.fields)
        if expected_http_body_size(flow.request, flow.response) != 0:
            previous = flow.response.stream
            capture.tap = ChainedTap(previous) if callable(previous) else Tap(held_at(flow, flow.response))
            flow.response.stream = capture.tap


def held_at(flow: http.HTTPFlow, response: http.Response) -> int | None:
    """The length at which the last byte is held back; None where the end of the body is told otherwise."""
    size = expected_http_body_size(flow.request, response)  # None: chunked; -1: until the connection closes
    return size if size is not None and size > 0 and writer_of(flow) is not None else None


def release(flow: http.HTTPFlow, tap: Tap) -> None:
    """Send the byte that the tap held back.

    mitmproxy sends nothing behind the `response` hook of such an answer, so the byte goes to the client's socket as
    the next one in order.
    """
    if tap.held and (writer := writer_of(flow)) is not None:
        writer.write(tap.held)
        tap.held = b""


def writer_of(flow: http.HTTPFlow) -> asyncio.StreamWriter | None:
    """The socket of a client that speaks plain HTTP/1; what goes through TLS or HTTP/2 can only be written by those."""
    proxy = ctx.master.addons.get("proxyserver")
    if not isinstance(proxy, Proxyserver) or flow.client_conn.tls or not flow.request.http_version.startswith("HTTP/1"):
        return None
    connection = proxy.connections.get(flow.client_conn.id)
    transport = connection.transports.get(flow.client_conn) if connection else None
    return transport.writer if transport and isinstance(transport.writer, asyncio.StreamWriter) else None
