"""Answer in the API's error shape where mitmproxy would answer by itself with an HTML page.

mitmproxy makes those pages (upstream unreachable, TLS failure, body over the limit, bad request) out of reach of any
hook, in one function for all of HTTP/1. It is replaced while the addon is loaded. HTTP/2 clients, which are rare as
the listener speaks plain HTTP, still get mitmproxy's page.
"""

from secrets import token_bytes

from mitmproxy.net.http import http1
from mitmproxy.proxy.layers.http import _http1

from mitmclaude import ids
from mitmclaude.addons.reply import error_reply


class ErrorPages:
    """Swaps mitmproxy's error page for ours, and back."""

    def __init__(self) -> None:
        self._original = _http1.make_error_response

    def load(self, _loader: object) -> None:
        _http1.make_error_response = error_page

    def done(self) -> None:
        _http1.make_error_response = self._original


def error_page(status_code: int, message: str = "") -> bytes:
    """A whole HTTP/1.1 answer that closes the connection; `message` is mitmproxy's."""
    reply = error_reply(status_code, f"mitmclaude: {message}", ids.request_id(token_bytes(10)))
    reply.headers["connection"] = "close"
    return bytes(http1.assemble_response(reply))
