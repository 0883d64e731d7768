"""The flat row of a record."""

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitmclaude import __version__
from mitmclaude.record import line, metrics
from mitmclaude.record.record import Record, to_json
from mitmclaude.record.row import LONGEST, Row, row
from mitmclaude.stores.table import attributes, typed
from tests.record.made import AT, RESPONSES, plain, record, stream

KEY = "records/date=2026-11-22/01.json"


def changed(made: Record, **fields: Any) -> Record:
    return Record.model_validate({**made.model_dump(), **fields})


def test_a_stream() -> None:
    """The row of a complete call has all that one lists and adds up by."""
    made = record(stream("text.sse"), principal="ann", flow_key="flows/x")
    assert row(made) == Row(
        id="01",
        started_at=AT,
        made_by=__version__,
        endpoint="messages",
        method="POST",
        path="/v1/messages?beta=true",
        outcome="complete",
        status=200,
        error_type=None,
        failure=None,
        request_id="req_1",
        principal="ann",
        client_name=None,
        client_version=None,
        session_id="a1985f7f-b6e1",
        agent_id="agent-77",
        parent_agent_id=None,
        model="claude-opus-5-5",
        stop_reason="end_turn",
        service_tier="standard",
        speed=None,
        stream=None,
        effort=None,
        has_thinking=False,
        max_tokens=None,
        message_count=1,
        tool_count=0,
        input_tokens=25,
        cache_creation_input_tokens=1200,
        cache_write_5m_tokens=1200,
        cache_write_1h_tokens=0,
        cache_read_input_tokens=9000,
        output_tokens=12,
        thinking_tokens=None,
        web_searches=None,
        usage_is_partial=False,
        cost_usd=Decimal("0.00814"),
        first_byte=None,
        ttft=1.5,
        duration=2.0,
        longest_gap=1.0,
        output_tokens_per_second=None,
        violations=0,
        drift=0,
        errors=0,
        request_bytes=2,
        response_bytes=len((RESPONSES / "text.sse").read_bytes()),
        flow="flows/x",
    )


def test_without_content() -> None:
    """Where no content is kept, model, stop reason and the type of an error are in the row all the same."""
    assert (row(made := record(stream("text.sse"), "metadata")).model, row(made).stop_reason) == (
        "claude-opus-5-5",
        "end_turn",
    )
    failed = record(plain(529, (RESPONSES / "error_529.json").read_bytes()), "metadata")
    assert row(failed).error_type == "overloaded_error"


def test_without_an_answer() -> None:
    """Where no answer came, what is of an answer is None."""
    of = row(record(None, end="upstream_failed", failure="connect failed\nat once"))
    assert (of.outcome, of.status, of.response_bytes, of.output_tokens, of.cost_usd) == ("unreachable",) + (None,) * 4
    assert of.failure == "connect failed"


def test_counts() -> None:
    """Violations, drift and errors are counted apart."""
    found = [{"kind": kind, "path": "", "message": ""} for kind in ("drift", "violation", "drift")]
    of = row(changed(record(stream("text.sse")), findings=found, errors=["a", "b", "c"]))
    assert (of.violations, of.drift, of.errors) == (1, 2, 3)


@pytest.mark.parametrize(
    ("thinking", "asked"), [(None, False), ({"type": "disabled"}, False), ({"type": "adaptive"}, True)]
)
def test_has_thinking(thinking: Any, asked: bool) -> None:
    """It tells whether the request asks for thinking."""
    made = record(stream("text.sse"))
    assert row(changed(made, request={**made.request.model_dump(), "thinking": thinking})).has_thinking is asked


def test_texts_are_short_and_printable() -> None:
    """Whatever a peer calls itself, no text of a row is long, breaks a line or has control characters."""
    hostile = "\x1b[31m\n" + "x" * 9999
    made = record(stream("text.sse"))
    assert made.response is not None
    fields = dict.fromkeys(("principal", "client_name", "session_id", "agent_id", "failure"), hostile)
    answer = {**made.response.model_dump(), "model": hostile, "stop_reason": hostile, "error": {"type": hostile}}
    asked = {**made.request.model_dump(), "method": hostile, "path": hostile, "effort": hostile}
    of = row(changed(made, **fields, response=answer, request=asked, outcome="unreachable", endpoint="other"))
    texts = [value for value in of if isinstance(value, str)]
    assert all(len(text) <= LONGEST and text.isprintable() for text in texts)
    assert line.line(of).isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(
    [
        *("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation"),
        *("iterations", "server_tool_use", "output_tokens_details", "service_tier", "speed", "inference_geo"),
    ]
)


@given(st.dictionaries(names, json_values))
def test_no_usage_raises(usage: dict[str, Any]) -> None:
    """Whatever an answer calls its usage, each consumer of its record takes it: `"input_tokens": true` for one."""
    message = {"model": "claude-opus-5-5", "content": [], "stop_reason": "end_turn", "usage": usage}
    made = record(plain(200, json.dumps(message).encode()))
    assert made.outcome == "complete"
    for told in (line.line(made), line.comment(made), line.verbose(made)):
        assert told
    for flat in (line.flat(made), metrics.emf(made)):
        assert orjson.loads(flat)["outcome"] == "complete"
    found = attributes(KEY, to_json(made))
    assert found["outcome"] == "complete"
    typed(found)


def test_a_bool_is_no_count() -> None:
    """A count that is a boolean reads as not known, and the cost is not known either."""
    made = record(plain(200, b'{"model":"claude-opus-5-5","usage":{"input_tokens":true,"output_tokens":5}}'))
    assert (row(made).input_tokens, row(made).output_tokens, row(made).cost_usd) == (None, 5, None)
    found = attributes(KEY, to_json(made))
    assert "input_tokens" not in found
    assert found["output_tokens"] == 5


def test_metrics_have_numbers_alone() -> None:
    """Each metric has a number of its own name, and the dimensions are texts."""
    told = orjson.loads(metrics.emf(record(stream("text.sse"))))
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert all(isinstance(told[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert all(isinstance(told[name], str) for names in directive["Dimensions"] for name in names)
    assert told["cost"] == 0.00814
