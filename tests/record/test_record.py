"""The record: its published schema, its keys, its stored form."""

from pathlib import Path

import jsonschema
import orjson
import pytest

from mitmclaude.cli.schema import json_schema
from mitmclaude.exchange import Chunk, Response
from mitmclaude.options import CaptureLevel
from mitmclaude.record import build
from mitmclaude.record.line import comment, flat, line, verbose, verdict
from mitmclaude.record.record import Record, flow_key, record_key, to_json
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session
from mitmclaude.request.summary import Summary
from tests.record.made import AT, RESPONSES, SECRET, body, exchange, plain, record, stream

ROOT = Path(__file__).parents[2]


def test_published_schema_is_the_models() -> None:
    """schema/record.schema.json is what the model says: run `mitmclaude schema > schema/record.schema.json`."""
    assert (ROOT / "schema" / "record.schema.json").read_text() == json_schema()


@pytest.mark.parametrize("name", sorted(path.name for path in RESPONSES.iterdir()))
@pytest.mark.parametrize("level", ["full", "redacted", "metadata"])
def test_every_answer_makes_a_valid_record(name: str, level: CaptureLevel) -> None:
    """Whatever upstream says, the record fits the published schema and comes back from its stored form equal."""
    content = (RESPONSES / name).read_bytes()
    response = stream(name) if name.endswith(".sse") else plain(400 if "error" in name else 200, content)
    made = record(response, level)
    stored = to_json(made)
    jsonschema.validate(orjson.loads(stored), orjson.loads(json_schema()))
    assert Record.model_validate_json(stored) == made
    assert made.errors == ()


def test_a_stream() -> None:
    """A stream gives the assembled message, usage as reported, cost and timing."""
    made = record(stream("text.sse"))
    assert made.outcome == "complete"
    assert made.response is not None
    assert made.response.message is not None
    assert made.response.message["content"][0]["text"] == "Hello from the fake upstream. [FAKE-OK]"
    assert made.usage is not None
    assert "iterations" not in orjson.loads(to_json(made))["usage"]
    assert str(made.cost and made.cost.total) == "0.00814"
    assert made.timing.ttft == 1.5
    assert made.response.request_id == "req_1"


def test_levels() -> None:
    """`redacted` blanks secrets in the input, `full` keeps it, `metadata` has neither input nor message."""
    made = {level: record(stream("text.sse"), level) for level in ("redacted", "full", "metadata")}
    assert made["redacted"].request.input == [{"role": "user", "content": "my key is [redacted]"}]
    assert SECRET in to_json(made["full"]).decode()
    assert dict(made["full"].request.headers)["x-api-key"] == "[redacted]"
    assert made["metadata"].request.input is None
    assert made["metadata"].response is not None
    assert made["metadata"].response.message is None
    assert made["metadata"].usage is not None
    assert len(made["metadata"].request.cache.messages) == 1


def test_count_tokens() -> None:
    """An answer of count_tokens gives its count as usage, and no cost: it is free."""
    made = record(plain(200, b'{"input_tokens": 1234}'), endpoint="count_tokens")
    assert made.usage is not None
    assert made.usage.input_tokens == 1234
    assert made.cost is None
    assert made.findings == ()


def test_errors_of_the_api() -> None:
    """An error answer keeps the error object; an HTML page of some gateway makes a record as well."""
    made = record(plain(529, (RESPONSES / "error_529.json").read_bytes()))
    assert made.outcome == "api_error"
    assert made.response is not None
    assert made.response.error is not None
    assert made.response.error["type"] == "overloaded_error"
    assert record(plain(502, b"<html>bad gateway</html>")).outcome == "api_error"


@pytest.mark.parametrize("content", [b"not json", b"[" * 5000, b'"text"', b"", b"\xff\xfe"])
def test_odd_answers(content: bytes) -> None:
    """An answer that cannot be read leaves an entry in `errors`, or nothing; the record stands."""
    made = record(plain(200, content))
    assert made.outcome == "complete"
    assert all(error.startswith("answer: ") for error in made.errors)
    assert orjson.loads(to_json(made))["id"] == "01"


def test_a_broken_encoding_is_told() -> None:
    """A body that does not decode leaves an entry in `errors` that says so."""
    response = Response(200, ((b"content-encoding", b"gzip"),), body(b"x"), (Chunk(0.1, b"no gzip"),))
    (error,) = record(response).errors
    assert error.startswith("answer: ValueError: ")


def test_a_record_of_nothing() -> None:
    """Where no answer came there is a record without response, usage and cost."""
    made = build.record(exchange(None, end="upstream_failed"), Summary(), Session(), "redacted", Redactor())
    assert (made.outcome, made.response, made.usage, made.cost) == ("unreachable", None, None, None)


def test_input_that_is_not_kept_is_told() -> None:
    """An input over the limit is named in `errors`."""
    made = build.record(exchange(None), Summary(input_bytes=9_999_999), Session(), "redacted", Redactor())
    assert made.errors == ("input: 9999999 bytes, over 1048576 or nested too deep: see the raw flow",)


def test_keys() -> None:
    """Keys come from the id and its day alone."""
    assert record_key("01", AT) == "records/date=2026-11-22/01.json"
    assert flow_key("01", AT) == "flows/date=2026-11-22/01.mitm.zst"


def test_lines() -> None:
    """A line tells at a glance: model, tokens, cost, times, outcome, session, id."""
    made = record(stream("text.sse"))
    assert line(made) == (
        "messages  opus-5-5  25+1.2k written+9.0k cached → 12  $0.0081  ttft 1.50s  2.00s  complete"
        "  session a1985f7f  agent agent-77  01"
    )
    assert comment(made) == "complete · opus-5-5 · 25+1.2k written+9.0k cached → 12 · $0.0081"
    assert b"\n" not in flat(made)
    assert orjson.loads(flat(made))["cost_usd"] == "0.00814"
    assert verbose(made).splitlines()[0] == line(made)


def test_verdicts() -> None:
    """What stands out is named: error types, violations, drift."""
    assert verdict(record(plain(529, (RESPONSES / "error_529.json").read_bytes()))) == "api_error 529 overloaded_error"
    assert verdict(record(stream("unknown_block.sse"))) == "complete, 1 drift"
    assert comment(record(stream("unknown_block.sse"))).startswith("⚠ complete, 1 drift · ")
    assert verdict(record(stream("error_mid_stream.sse"))).startswith("stream_error 200 ")
