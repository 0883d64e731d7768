"""Pass answers on as they come and keep what passed.

An event stream, and any answer of unknown or great length, streams through a tap; a short one of known length is left
to mitmproxy's own buffer. Both ways the record is stored before the client sees the end of the answer: mitmproxy
awaits the `response` hook before it ends a chunked body, and before it begins a buffered one.
"""

from mitmproxy import http
from mitmproxy.net.http.http1 import expected_http_body_size

from mitmclaude.addons.live import Live
from mitmclaude.addons.tap import ChainedTap, Tap

BUFFERED = 1024 * 1024
"""Bytes up to which an answer of known length is buffered: the API sends those in one go."""

class Tee:
    """Sets the tap on each captured flow."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        capture = self._live.get(flow.id)
        if capture is None or capture.rejected or flow.response is None or not flow.live:
            return
        capture.upstream_headers = capture.elapsed()
        capture.response_headers = tuple(flow.response.headers.fields)
        if streams(flow.request, flow.response):
            previous = flow.response.stream
            capture.tap = ChainedTap(previous) if callable(previous) else Tap()
            flow.response.stream = capture.tap
            _frame_in_chunks(flow.request, flow.response)


def streams(request: http.Request, response: http.Response) -> bool:
    """Whether an answer is passed on piece by piece."""
    size = expected_http_body_size(request, response)  # None: chunked, -1: until the connection closes
    if size == 0:
        return False
    if response.stream or "text/event-stream" in response.headers.get("content-type", "").lower():
        return True
    return size is None or size < 0 or size > BUFFERED


def _frame_in_chunks(request: http.Request, response: http.Response) -> None:
    """Let the client see the end only when it is sent: with a length it would see it at the last byte.

    Only the framing of HTTP/1.1 changes; an HTTP/1.0 client knows no chunks, and HTTP/2 frames by itself.
    """
    if request.http_version == response.http_version == "HTTP/1.1" and "content-length" in response.headers:
        del response.headers["content-length"]
        response.headers["transfer-encoding"] = "chunked"
