"""The typed outcome."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mitmclaude.answer.fold import Folded
from mitmclaude.exchange import Body, End, Exchange, Request, Response
from mitmclaude.record.outcome import outcome

EMPTY = Body(b"", 0, None, None)


def exchange(end: End, status: int | None) -> Exchange:
    return Exchange(
        id="x",
        started_at=datetime(2026, 11, 22, tzinfo=UTC),
        endpoint="messages",
        request=Request("POST", "/v1/messages", (), EMPTY),
        response=None if status is None else Response(status, (), EMPTY),
        end=end,
    )


def folded(**said: Any) -> Folded:
    return Folded(
        **{"message": {}, "error": None, "stopped": False, "findings": (), "events": {}, "unplaced": (), **said}
    )


STOPPED, CUT, ERROR = folded(stopped=True), folded(), folded(error={"type": "overloaded_error"})


@pytest.mark.parametrize(
    ("end", "status", "stream", "expected"),
    [
        ("answered", 200, None, "complete"),
        ("answered", 200, STOPPED, "complete"),
        ("answered", 204, None, "complete"),
        ("answered", 103, None, "truncated"),
        ("answered", 429, None, "api_error"),
        ("answered", 529, None, "api_error"),
        ("answered", 200, ERROR, "stream_error"),
        ("answered", 200, CUT, "truncated"),
        ("upstream_failed", 200, CUT, "truncated"),
        ("upstream_failed", 200, None, "truncated"),
        ("upstream_failed", 200, STOPPED, "complete"),
        ("upstream_failed", 200, ERROR, "stream_error"),
        ("upstream_failed", None, None, "unreachable"),
        ("client_gone", 200, CUT, "client_aborted"),
        ("client_gone", 200, STOPPED, "complete"),
        ("client_gone", None, None, "client_aborted"),
        ("rejected", 400, None, "rejected"),
        ("rejected", None, None, "rejected"),
        ("shutdown", 200, CUT, "shutdown"),
        ("shutdown", None, None, "shutdown"),
    ],
)
def test_outcome(end: End, status: int | None, stream: Folded | None, expected: str) -> None:
    """How it ended, what the status was and whether the stream came to its stop decide."""
    assert outcome(exchange(end, status), stream) == expected
