"""Turn a mitmproxy flow into the plain values of an exchange, and into the bytes of a raw flow object."""

import hashlib
from io import BytesIO
from typing import Any

import zstandard
from mitmproxy import http
from mitmproxy.io import tnetstring

from mitmclaude import encoding
from mitmclaude.addons.live import Capture
from mitmclaude.exchange import Body, Chunk, End, Exchange, Marks, Request, Response
from mitmclaude.headers import Headers, content_encoding, header
from mitmclaude.options import CaptureLevel
from mitmclaude.redact import Redactor

UNREADABLE = b"[mitmclaude: not kept, as it could not be decoded to look for secrets]"

LIMIT = 256 * 1024 * 1024
"""Bytes of a decoded body that are looked through."""


def exchange(
    flow: http.HTTPFlow,
    capture: Capture,
    end: End,
    *,
    flow_key: str | None,
    errors: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> Exchange:
    """The exchange that `flow` was; hashes the bodies, so not for the event loop."""
    failed = end in ("upstream_failed", "client_gone", "shutdown")
    sent = None if end == "rejected" or flow.server_conn.timestamp_start is None else flow.request.raw_content
    return Exchange(
        id=capture.id,
        started_at=capture.started_at,
        endpoint=capture.endpoint,
        request=Request(capture.method, capture.path, capture.headers, _body(capture.body, sent)),
        response=_response(flow, capture),
        end=end,
        marks=_marks(capture, end),
        failure=flow.error.msg if failed and flow.error else None,
        findings=capture.findings,
        principal=capture.principal,
        invocation=capture.invocation,
        flow_key=flow_key,
        errors=errors + more,
    )


def _response(flow: http.HTTPFlow, capture: Capture) -> Response | None:
    if flow.response is None:
        return None
    headers: Headers = capture.response_headers or tuple(flow.response.headers.fields)
    tap = capture.tap
    if tap is None or flow.response.stream is not tap:  # then another script has it
        content = b"" if capture.padded else flow.response.raw_content or b""
        return Response(flow.response.status_code, headers, _body(content, capture.padded or content))
    content = tap.content
    is_whole = tap.size == len(content)
    body = _body(content, tap.sent(content)) if is_whole else Body(content, tap.size, None, None)
    chunks = tuple(Chunk(at - capture.began, data) for at, data in tap.chunks if data)
    return Response(flow.response.status_code, headers, body, chunks)


def _body(content: bytes, sent: bytes | None) -> Body:
    digest = hashlib.sha256(content).hexdigest()
    if sent is not None and sent is not content:
        return Body(content, len(content), digest, hashlib.sha256(sent).hexdigest())
    return Body(content, len(content), digest, None if sent is None else digest)


def _marks(capture: Capture, end: End) -> Marks:
    chunks = [at for at, data in capture.tap.chunks if data] if capture.tap else []
    last = capture.response_end
    return Marks(
        request_end=capture.request_end,
        upstream_headers=capture.upstream_headers,
        first_byte=chunks[0] - capture.began if chunks else last,
        last_byte=chunks[-1] - capture.began if chunks else last,
        client_gone=capture.end if end == "client_gone" else None,
        end=capture.end,
    )


def raw_flow(state: dict[str, Any], level: CaptureLevel, redactor: Redactor) -> bytes:
    """A compressed flow file of one flow; `state` is the flow's own, of which nothing is changed."""
    kept = {**state, "request": _message(state["request"], level, redactor)}
    kept.pop("backup", None)  # the flow before an edit in a user interface: with the credentials it came with
    if state.get("response"):
        kept["response"] = _message(state["response"], level, redactor)
    if state.get("error"):
        kept["error"] = {**state["error"], "msg": redactor.text(state["error"]["msg"])}
    file = BytesIO()
    tnetstring.dump(kept, file)
    return zstandard.ZstdCompressor().compress(file.getvalue())


def _message(message: dict[str, Any], level: CaptureLevel, redactor: Redactor) -> dict[str, Any]:
    kept = {**message, "headers": redactor.headers(message["headers"])}
    if message.get("trailers"):
        kept["trailers"] = redactor.headers(message["trailers"])
    if "path" in message:
        kept["path"] = redactor.target(message["path"])
        kept["authority"] = redactor.target(message["authority"])
    if level != "full" and message["content"]:
        content = _redacted(message["content"], message["headers"], redactor)
        if content is not message["content"]:
            kept["content"] = content
            kept["headers"] = tuple(h for h in kept["headers"] if h[0].lower() != b"content-encoding")
    return kept


def _redacted(content: bytes, headers: Headers, redactor: Redactor) -> bytes:
    """The body without secrets and then without its content encoding; the very same bytes where it has none."""
    name = content_encoding(headers)
    try:
        plain = encoding.Decoder(name, LIMIT).feed(content)
    except ValueError:
        return UNREADABLE
    is_stream = "text/event-stream" in (header(headers, b"content-type") or "").lower()
    redacted = redactor.sse(plain) if is_stream else redactor.raw(plain)
    # what stands behind the end of the encoded part was not decoded, but is there to be read
    return redactor.raw(content) if redacted == plain else redacted
