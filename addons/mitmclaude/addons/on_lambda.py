"""On AWS Lambda: answer the readiness check, keep the platform's headers from upstream, and suit its response stream.

The Lambda Web Adapter sits before the listener. In response-stream mode an answer without a single body byte would hang
until the function times out, and a connection that slept through a freeze may be dead: so every answer has a byte, and
no connection is used twice.
"""

import asyncio
import os
import time

from mitmproxy import http
from mitmproxy.net.http.http1 import expected_http_body_size

from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.recording import Recording
from mitmclaude.headers import Headers
from mitmclaude.platform import invocation, is_platform

HEALTH = "/healthz"

PAD = b"\n"
"""The body of an answer that has none."""

BODILESS = (204, 205, 304)

MARGIN = 5.0
"""Seconds before the platform ends an invocation, at which what there is of its record is stored."""


def on_lambda() -> bool:
    """Whether this process runs in a Lambda environment."""
    return "AWS_LAMBDA_RUNTIME_API" in os.environ


class Health:
    """Answers the readiness path itself: it is never forwarded and never recorded."""

    name = "claude.health"

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        is_bare = flow.request.method in ("GET", "HEAD") and expected_http_body_size(flow.request) == 0
        if flow.request.path == HEALTH and flow.live and is_bare:
            flow.response = http.Response.make(200, b"ok\n", {"content-type": "text/plain"})


class FromLambda:
    """On Lambda: tells the platform's word of an invocation from what the client sent."""

    name = "claude.fromlambda"

    def __init__(self, live: Live, recording: Recording) -> None:
        self._live = live
        self._recording = recording
        self._active = on_lambda()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if not self._active:
            return
        flow.request.headers.fields = _of_client(flow.request.headers.fields)
        if capture := self._live.get(flow.id):
            capture.invocation = invocation(capture.headers)
            capture.headers = _of_client(capture.headers)
            if deadline := capture.invocation.deadline:
                wait = max(deadline.timestamp() - time.time() - MARGIN, 0.0)
                capture.deadline = asyncio.get_running_loop().call_later(wait, self._near_deadline, capture)

    def _near_deadline(self, capture: Capture) -> None:
        if capture.flow.id in self._live:
            why = "partial: stored as the platform's deadline was near"
            self._recording.end(capture, "shutdown", why, is_partial=True)


class ToLambda:
    """On Lambda: gives every answer a body, and its connection an end."""

    name = "claude.tolambda"

    def __init__(self, live: Live) -> None:
        self._live = live
        self._active = on_lambda()

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if not self._active or flow.response is None:
            return
        capture = self._live.get(flow.id)
        if capture is not None and capture.tap is not None:
            capture.tap.pad = PAD
        elif flow.request.method == "HEAD":
            pass  # nobody waits for its body
        elif flow.response.raw_content is None and expected_http_body_size(flow.request, flow.response) == 0:
            _give_body(flow.response, capture)
        flow.response.headers["connection"] = "close"

    def response(self, flow: http.HTTPFlow) -> None:
        if self._active and flow.request.method != "HEAD" and flow.response and flow.response.raw_content == b"":
            flow.response.raw_content = PAD


def _of_client(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if not is_platform(pair[0]))


def _give_body(response: http.Response, capture: Capture | None) -> None:
    if response.status_code in BODILESS:  # these cannot have a body
        response.headers["x-mitmclaude-status"] = str(response.status_code)
        response.status_code, response.reason = 200, "OK"
    response.headers["content-length"] = str(len(PAD))
    response.headers.pop("transfer-encoding", None)
    if capture is not None:
        capture.padded = PAD
