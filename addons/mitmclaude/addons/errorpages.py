"""Answer in the API's error shape where mitmproxy would answer by itself with an HTML page, and name who failed.

mitmproxy makes those pages (upstream unreachable, TLS failure, body over the limit, bad request) out of reach of any
hook, in one function for all of HTTP/1. It is replaced while the addon is loaded. HTTP/2 clients, which are rare as
the listener speaks plain HTTP, still get mitmproxy's page.

What it says of an upstream that failed ("Name or service not known") names no host. Where the message is made, in one
method, the host is put before it: for the client's answer, the log and the record alike.
"""

from collections.abc import Iterator
from dataclasses import replace
from secrets import token_bytes
from typing import Any

from mitmproxy.net.http import http1
from mitmproxy.proxy.layers.http import HttpStream, _http1
from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError
from mitmproxy.utils import human

from mitmclaude import ids
from mitmclaude.addons.gate import STOPPED
from mitmclaude.addons.reply import error_reply

UPSTREAM = (ErrorCode.CONNECT_FAILED, ErrorCode.GENERIC_SERVER_ERROR)


class ErrorPages:
    """Swaps mitmproxy's error page for ours, and back."""

    name = "claude.errorpages"

    def __init__(self) -> None:
        self._page = _http1.make_error_response
        self._failing: Any = HttpStream.handle_protocol_error

    def load(self, _loader: object) -> None:
        _http1.make_error_response = error_page
        HttpStream.handle_protocol_error = naming_the_host(self._failing)  # type: ignore[method-assign]

    def done(self) -> None:
        _http1.make_error_response = self._page
        HttpStream.handle_protocol_error = self._failing  # type: ignore[method-assign]


def naming_the_host(original: Any) -> Any:
    """`HttpStream.handle_protocol_error` with upstream's address before the message, until an answer has begun."""

    def handle_protocol_error(self: HttpStream, event: Any) -> Iterator[Any]:
        is_upstreams = isinstance(event, ResponseProtocolError) and event.code in UPSTREAM
        if is_upstreams and self.flow.response is None and not event.message.startswith(STOPPED):
            address = human.format_address((self.flow.request.host, self.flow.request.port))
            event = replace(event, message=f"{address}: {event.message}")
        yield from original(self, event)

    return handle_protocol_error


def error_page(status_code: int, message: str = "") -> bytes:
    """A whole HTTP/1.1 answer that closes the connection; `message` is mitmproxy's."""
    reply = error_reply(status_code, f"mitmclaude: {message}", ids.request_id(token_bytes(10)))
    reply.headers["connection"] = "close"
    return bytes(http1.assemble_response(reply))
