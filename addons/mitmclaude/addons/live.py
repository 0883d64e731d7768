"""The exchanges under way: what the addons of the pipeline know of each flow until its record is made."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any
from weakref import WeakValueDictionary

from mitmproxy import http

from mitmclaude import ids
from mitmclaude.addons.tap import Tap
from mitmclaude.exchange import Endpoint
from mitmclaude.findings import Finding
from mitmclaude.headers import Headers
from mitmclaude.platform import Invocation


@dataclass(slots=True, eq=False)
class Capture:
    """One exchange under way; times are seconds since the request's first byte."""

    flow: http.HTTPFlow
    id: str
    started_at: datetime
    began: float
    """`time.perf_counter()` at the request's first byte."""
    endpoint: Endpoint
    method: str
    path: str
    """The target as the client sent it: the flow's own may have got a prefix since."""
    headers: Headers
    principal: str | None = None
    admitted: bool = False
    """Whether `Guard` let it in; it asks only where tokens are wanted."""
    credentials: frozenset[bytes] = frozenset()
    """Credentials that went upstream beside those that the client sent, such as the organisation's key."""
    body: bytes = b""
    """The request's body as it came."""
    findings: tuple[Finding, ...] = ()
    rejected: bool = False
    keeps_body: bool = True
    """Whether the request's body may be kept: not of who has no business here."""
    parsed: Mapping[str, Any] | None = None
    """The body as it was checked."""
    is_open: bool = False
    """Whether the recorder knows of it."""
    told: int = 0
    """Pieces of the answer that the recorder has."""
    request_end: float | None = None
    upstream_headers: float | None = None
    response_headers: Headers = ()
    """As upstream sent them."""
    response_end: float | None = None
    end: float = 0.0
    tap: Tap | None = None
    padded: bytes = b""
    """What the client gets in place of an empty body."""
    invocation: Invocation | None = None
    deadline: asyncio.TimerHandle | None = None

    def elapsed(self) -> float:
        """Seconds since the request's first byte."""
        return time.perf_counter() - self.began


def begin(flow: http.HTTPFlow, endpoint: Endpoint) -> Capture:
    """The capture of a flow whose request headers are there."""
    request = flow.request
    began_at = request.timestamp_start
    return Capture(
        flow=flow,
        id=ids.uuid7(int(began_at * 1000), token_bytes(10)),
        started_at=datetime.fromtimestamp(began_at, UTC),
        began=time.perf_counter() - max(time.time() - began_at, 0.0),
        endpoint=endpoint,
        method=request.method,
        path=request.path,
        headers=tuple(request.headers.fields),
    )


class Live(dict[str, Capture]):
    """Captures by flow id; not in the flow's metadata, which must stay plain to be saved."""

    def __init__(self, *captures: Any) -> None:
        super().__init__(*captures)
        self.flows: WeakValueDictionary[str, http.HTTPFlow] = WeakValueDictionary()
        """By record id, as long as somebody else holds them."""

    def __setitem__(self, flow_id: str, capture: Capture) -> None:
        super().__setitem__(flow_id, capture)
        self.flows[capture.id] = capture.flow
