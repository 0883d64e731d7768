"""Refuse a request: answer in the API's error shape, and hang up where its body is long or its sender unknown."""

import math
from secrets import token_bytes

from mitmproxy import http
from mitmproxy.net.http import http1
from mitmproxy.net.http.http1 import expected_http_body_size

from mitmclaude import ids
from mitmclaude.addons.live import Capture
from mitmclaude.addons.reply import error_reply
from mitmclaude.addons.tee import writer_of
from mitmclaude.headers import clipped, clipped_target
from mitmclaude.redact import credentials

DRAINED = 64 * 1024
"""Bytes of a refused request's body that are still read, so that its answer arrives; from a longer one we hang up."""

KEPT_FIELDS, KEPT_LENGTH = 64, 1024
"""Header fields of a stranger's request that are kept, and the longest name, value and target."""


def refuse(
    flow: http.HTTPFlow, capture: Capture, status: int, reason: str, *, wait: float = 0.0, hang_up: bool = False
) -> None:
    """Answer now or once the body is read; nothing of the body is kept. `wait`: seconds until it is worth trying again.

    With `hang_up` the connection ends with the answer.
    """
    capture.rejected = True
    capture.keeps_body = False
    flow.request.headers.pop("expect", None)  # nobody is asked to go on
    reply = error_reply(status, f"mitmclaude: {reason}", ids.request_id(token_bytes(10)))
    if wait:
        reply.headers["retry-after"] = str(math.ceil(wait))
    else:
        reply.headers["x-should-retry"] = "false"  # else Claude Code tries for minutes, without a word
    if hang_up:
        _close_after(flow, reply)
    flow.response = reply
    try:
        size = expected_http_body_size(flow.request)
    except ValueError:
        size = None
    if size is None or size > DRAINED:
        _close_after(flow, reply)
        if (writer := writer_of(flow)) is not None:
            writer.write(http1.assemble_response(reply))
        flow.kill()


def _close_after(flow: http.HTTPFlow, reply: http.Response) -> None:
    if not flow.request.is_http2:  # which has no such header, and many requests on a connection
        reply.headers["connection"] = "close"


def clip(capture: Capture) -> None:
    """Keep little of a stranger's request: its record is no larger for a larger request."""
    capture.credentials |= credentials(capture.headers, capture.path)
    capture.headers = clipped(capture.headers, KEPT_FIELDS, KEPT_LENGTH)
    capture.path = clipped_target(capture.path, KEPT_LENGTH)
    capture.method = capture.method[:32]
