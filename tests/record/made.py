"""Records and exchanges for tests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mitmclaude.exchange import Body, Chunk, Exchange, Marks, Request, Response
from mitmclaude.options import CaptureLevel
from mitmclaude.record import build
from mitmclaude.record.outcome import Outcome
from mitmclaude.record.record import Record
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session
from mitmclaude.request.summary import summarise

RESPONSES = Path(__file__).parents[1] / "fixtures" / "responses"
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SSE = ((b"content-type", b"text/event-stream"), (b"request-id", b"req_1"))
JSON = ((b"content-type", b"application/json"),)
SECRET = "sk-ant-" + "api03-" + "A1b2" * 20


def body(content: bytes) -> Body:
    return Body(content, len(content), "0" * 64, "0" * 64)


def exchange(response: Response | None, **more: object) -> Exchange:
    request = Request("POST", "/v1/messages?beta=true", ((b"x-api-key", b"k"),), body(b"{}"))
    fields = {"id": "01", "started_at": AT, "endpoint": "messages", "end": "answered", "marks": Marks(end=2.0), **more}
    return Exchange(request=request, response=response, **fields)  # type: ignore[arg-type]


def record(response: Response | None, level: CaptureLevel = "redacted", **more: object) -> Record:
    asked = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": f"my key is {SECRET}"}]}
    session = Session("a1985f7f-b6e1", "agent-77", None)
    return build.record(exchange(response, **more), summarise(asked), session, level, Redactor())


def stream(name: str) -> Response:
    content = (RESPONSES / name).read_bytes()
    return Response(200, SSE, body(content), (Chunk(0.5, content[:400]), Chunk(1.5, content[400:])))


def plain(status: int, content: bytes) -> Response:
    return Response(status, JSON, body(content), (Chunk(0.5, content),))


def made(outcome: Outcome = "complete", endpoint: str = "messages", cost: str | None = None, **usage: int) -> Record:
    """A record with little in it."""
    request = {"method": "POST", "path": "/v1/messages", "headers": [], "bytes": 2, "sha256": None, "sha256_sent": None}
    fields: dict[str, Any] = {
        "id": "01",
        "started_at": "2026-11-22T12:00:00Z",
        "endpoint": endpoint,
        "outcome": outcome,
    }
    price = {"total": cost, "price_version": "1", "model": "claude-opus-5-5"} if cost else None
    return Record.model_validate({**fields, "request": request, "timing": {}, "usage": usage or None, "cost": price})
