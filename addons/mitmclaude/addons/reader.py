"""Read HTTP/1 with what mitmproxy's reader leaves out: a bound on what waits to be understood, and trailers.

mitmproxy keeps the bytes of an unfinished head for as long as they come (`FIXME: protect against header size DoS`),
and on a trailer it stops without an answer, or a hook. Its two classes are replaced while the addon is loaded.
"""

from collections.abc import Callable

from h11._receivebuffer import ReceiveBuffer
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, RequestProtocolError

from mitmclaude.addons.tally import Tally

HEAD = 256 * 1024
"""Bytes of a request's head, or of the line before a chunk: servers on the way to the API take 32 to 128 KB."""

PIPELINED = 64 * 1024 * 1024
"""Bytes that a client may send ahead, before its request is answered."""


class Trailers(_http1.Http1Connection):
    """Ends a message that has trailers like any other. They are dropped, as RFC 9110, 6.5.1 allows."""

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        try:
            yield from super().read_body(event)
        except NotImplementedError:
            is_request = isinstance(self, _http1.Http1Server)
            assert self.stream_id is not None  # noqa: S101  a body belongs to a stream
            yield ReceiveHttp(self.ReceiveEndOfMessage(self.stream_id))
            yield from self.mark_done(request=is_request, response=not is_request)


class Client(Trailers, _http1.Http1Client):
    """The side that reads answers."""


class Server(Trailers, _http1.Http1Server):
    """The side that reads requests."""

    refused: Callable[[str], None] = staticmethod(lambda _: None)

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super()._handle_event(event)
        if len(self.buf) > HEAD and self.state in (self.read_headers, self.read_body):
            yield from self._refuse()
        elif len(self.buf) > PIPELINED and self.state == self.wait:
            yield from self._give_up("client disconnected: it sent too much ahead")

    def _refuse(self) -> layer.CommandGenerator[None]:
        why = f"wanted at most {HEAD} bytes of headers"
        self.refused("with 431")
        yield commands.SendData(self.conn, _http1.make_error_response(431, why))
        yield from self._give_up(why)

    def _give_up(self, why: str) -> layer.CommandGenerator[None]:
        is_under_way = self.state != self.read_headers
        self.state = self.done
        self.buf = ReceiveBuffer()
        yield commands.CloseConnection(self.conn)
        if is_under_way:
            yield ReceiveHttp(RequestProtocolError(self.stream_id, why, ErrorCode.GENERIC_CLIENT_ERROR))


class Reader:
    """Swaps mitmproxy's readers for ours, and back."""

    name = "claude.reader"

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def load(self, _loader: object) -> None:
        Server.refused = staticmethod(self._tally.count)
        _use(Server, Client)

    def done(self) -> None:
        _use(_http1.Http1Server, _http1.Http1Client)


def _use(server: type[_http1.Http1Server], client: type[_http1.Http1Client]) -> None:
    http_layers.Http1Server = server  # type: ignore[attr-defined]
    http_layers.Http1Client = client  # type: ignore[attr-defined]
