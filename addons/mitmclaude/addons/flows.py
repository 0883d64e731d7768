"""A mitmproxy flow and its capture → the messages that the recorder takes."""

import copy
from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.version import FLOW_FORMAT_VERSION

from mitmclaude.addons.live import Capture
from mitmclaude.addons.tap import Tap
from mitmclaude.exchange import End, Marks
from mitmclaude.headers import Headers
from mitmclaude.options import Settings, ValidationLevel
from mitmclaude.record.rawflow import State
from mitmclaude.recorder.messages import Came, Changed, Ended, Opened


def opened(capture: Capture, settings: Settings, examine: ValidationLevel | None = None) -> Opened:
    """The request, as far as it is there; with `examine` the recorder is to check it."""
    return Opened(
        id=capture.id,
        started_at=capture.started_at,
        began=capture.began,
        endpoint=capture.endpoint,
        method=capture.method,
        path=capture.path,
        headers=capture.headers,
        body=capture.body,
        state=_without_content(capture.flow.request.get_state()),
        capture=settings.capture,
        keeps_body=capture.keeps_body,
        fingerprint_key=settings.fingerprint_key,
        credentials=capture.credentials,
        findings=capture.findings,
        principal=capture.principal,
        invocation=capture.invocation,
        examine=examine,
        parsed=capture.parsed,
    )


def came(capture: Capture, tap: Tap) -> Came | None:
    """What has come of the answer since the last time; None where nothing has."""
    chunks = tap.chunks[capture.told :]
    if not chunks:
        return None
    told, capture.told = capture.told, len(tap.chunks)
    status, headers = _head(capture)
    return Came(capture.id, chunks, None if told else status, () if told else headers)


def ended(capture: Capture, end: End, errors: tuple[str, ...], is_partial: bool) -> Ended:
    """The end of the call, or how far it is."""
    flow, tap = capture.flow, tap_of(capture)
    failed = end in ("upstream_failed", "client_gone", "shutdown")
    status, headers = _head(capture)
    made = Ended(
        id=capture.id,
        end=end,
        marks=_marks(capture, end),
        flow=_state(flow),
        status=status,
        headers=headers,
        request_content=_request_content(flow, capture),
        went_upstream=end != "rejected" and flow.server_conn.timestamp_start is not None,
        failure=flow.error.msg if failed and flow.error else None,
        errors=errors,
        is_partial=is_partial,
    )
    if flow.response is None:
        return made
    if tap is None:  # an addon made the answer, or another script streams it
        content = b"" if capture.padded else flow.response.raw_content or b""
        return made._replace(content=content, sent_response=capture.padded or "as it came")
    errors += (tap.failure,) if tap.failure else ()
    return made._replace(size=tap.size, sent_response=tap.changed(), errors=errors)


def tap_of(capture: Capture) -> Tap | None:
    """The tap, if it is what the answer streams through: another script may have taken its place."""
    response = capture.flow.response
    return capture.tap if response is not None and response.stream is capture.tap else None


def _head(capture: Capture) -> tuple[int | None, Headers]:
    response = capture.flow.response
    if response is None:
        return None, ()
    return response.status_code, capture.response_headers or tuple(response.headers.fields)


def _request_content(flow: http.HTTPFlow, capture: Capture) -> Changed:
    content = flow.request.raw_content
    if content is None or content is capture.body or content == capture.body:
        return "as it came"
    return content


def _state(flow: http.HTTPFlow) -> State:
    """The flow's `get_state`, without the contents of its messages and without its backup."""
    return {
        "version": FLOW_FORMAT_VERSION,
        "type": flow.type,
        "id": flow.id,
        "error": flow.error.get_state() if flow.error else None,
        "client_conn": _connection_state(flow.client_conn),
        "server_conn": _connection_state(flow.server_conn),
        "intercepted": flow.intercepted,
        "is_replay": flow.is_replay,
        "marked": flow.marked,
        "metadata": copy.deepcopy(flow.metadata),
        "comment": flow.comment,
        "timestamp_created": flow.timestamp_created,
        "request": _without_content(flow.request.get_state()),
        "response": _without_content(flow.response.get_state()) if flow.response else None,
        "websocket": flow.websocket.get_state() if flow.websocket else None,
    }


_known: WeakKeyDictionary[Connection, tuple[dict[str, Any], State]] = WeakKeyDictionary()


def _connection_state(connection: Connection) -> State:
    """Its `get_state`, which takes mitmproxy longer than all else of a flow: made once until something changes."""
    fields = vars(connection)
    known = _known.get(connection)
    if known is not None and known[0] == fields:
        return known[1]
    state: State = connection.get_state()
    _known[connection] = fields.copy(), state
    return state


def _without_content(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "content": None}


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
