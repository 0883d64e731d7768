"""Answers of our own."""

import json

import pytest
from mitmproxy.proxy.layers.http import _http1

from mitmclaude.addons.errorpages import ErrorPages
from mitmclaude.addons.reply import error_reply


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (413, "request_too_large"), (418, "invalid_request_error"), (502, "api_error"), (529, "overloaded_error")],
)  # fmt: skip
def test_error_reply(status: int, kind: str) -> None:
    """An error has the API's shape, and its request id in header and body."""
    reply = error_reply(status, "why", "req_1")
    assert json.loads(reply.content or b"") == {
        "type": "error",
        "error": {"type": kind, "message": "why"},
        "request_id": "req_1",
    }
    assert reply.headers["request-id"] == "req_1"
    assert reply.status_code == status


def test_error_pages_are_swapped_and_put_back() -> None:
    """While the addon is loaded mitmproxy's own errors are JSON; afterwards they are as they were."""
    original = _http1.make_error_response
    pages = ErrorPages()
    pages.load(None)
    try:
        head, _, body = _http1.make_error_response(502, "no <route> to host").partition(b"\r\n\r\n")
    finally:
        pages.done()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert b"connection: close" in head
    assert json.loads(body)["error"] == {"type": "api_error", "message": "mitmclaude: no <route> to host"}
    assert _http1.make_error_response is original
