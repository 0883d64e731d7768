"""Building a record: what is looked at again, what is bounded, what is a lower bound, what the log shows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from mitmclaude.answer import read
from mitmclaude.answer.read import Answer
from mitmclaude.depth import MAX_DEPTH
from mitmclaude.exchange import Chunk, Marks, Request, Response
from mitmclaude.options import CaptureLevel
from mitmclaude.record import build
from mitmclaude.record.line import comment, flat, line, verbose
from mitmclaude.record.parts import MOST_UNPLACED, MOST_UNPLACED_BYTES
from mitmclaude.record.record import Record, to_json
from mitmclaude.redact import Redactor, credentials
from mitmclaude.request.session import Session
from mitmclaude.request.summary import Summary, summarise
from tests.record.made import JSON, SECRET, SSE, body, exchange, plain, record, stream

RESPONSES = Path(__file__).parents[1] / "fixtures" / "responses"


class Watching(Redactor):
    """A redactor that remembers what it has looked at."""

    def value[T](self, v: T) -> T:
        looked.append(orjson.dumps(v))
        return super().value(v)


looked: list[bytes] = []


def built(response: Response | None, summary: Summary, level: CaptureLevel = "redacted", **more: Any) -> Record:
    looked.clear()
    return build.record(exchange(response), summary, Session(), level, Watching(), **more)


def saying(text: str) -> Response:
    return plain(200, orjson.dumps({"model": "m", "content": [{"type": "text", "text": text}], "stop_reason": text}))


def asking(text: str) -> Summary:
    tool = {"name": text, "cache_control": {"type": "ephemeral", "ttl": text}}
    messages = [{"role": "user", "content": text}]
    return summarise({"model": text, "tools": [tool], "messages": messages, "output_config": {"effort": text}})


def test_a_clean_body_is_not_looked_at_again() -> None:
    """What comes of a body that holds no secret is not given to the redactor; of an unknown one all of it is."""
    built(saying("ANSWERED"), asking("ASKED"))
    assert any(b"ANSWERED" in one for one in looked)
    assert any(b"ASKED" in one for one in looked)
    built(saying("ANSWERED"), asking("ASKED"), request_is_clean=True)
    assert any(b"ANSWERED" in one for one in looked)
    assert not any(b"ASKED" in one for one in looked)
    built(saying("ANSWERED"), asking("ASKED"), answer_is_clean=True)
    assert not any(b'"text":"ANSWERED"' in one for one in looked)
    assert any(b"ASKED" in one for one in looked)


def test_a_clean_exchange_makes_the_same_record() -> None:
    """The record of an exchange without secrets is the same, whether or not it is known that there is none."""
    known = built(saying("a"), asking("b"), request_is_clean=True, answer_is_clean=True)
    assert known == built(saying("a"), asking("b"))
    assert known.request.input == [{"role": "user", "content": "b"}]


def test_headers_are_redacted_whatever_is_known() -> None:
    """Headers, and what comes of them, are looked at though both bodies are clean."""
    made = record(stream("text.sse"))
    assert dict(made.request.headers)["x-api-key"] == "[redacted]"
    response = Response(200, ((b"request-id", SECRET.encode()), (b"x-echo", SECRET.encode())), body(b"{}"))
    told = exchange(response, failure=f"no: {SECRET}", errors=(f"odd: {SECRET}",))
    kept = build.record(
        told, Summary(), Session(SECRET), "full", Redactor(), request_is_clean=True, answer_is_clean=True
    )
    assert SECRET not in to_json(kept).decode()


def test_what_headers_call_things_is_redacted() -> None:
    """A secret among the betas, or as the method or the client's name, does not stay in the record."""
    headers = ((b"anthropic-beta", b"a-1, " + SECRET.encode()), (b"user-agent", SECRET.encode()))
    told = replace(exchange(None), request=Request(SECRET, "/v1/messages", headers, body(b"{}")))
    made = build.record(told, Summary(), Session(), "full", Redactor(), request_is_clean=True, answer_is_clean=True)
    assert made.request.betas == ("a-1", "[redacted]")
    assert SECRET not in to_json(made).decode()


def test_names_of_the_cache_are_redacted() -> None:
    """A secret where a tool's name, a lifetime or a setting should be does not stay in the record."""
    short = "ghp_" + "A1b2" * 9
    for level in ("redacted", "full", "metadata"):
        made = build.record(exchange(None), asking(short), Session(), level, Redactor())
        cache = made.request.cache
        assert cache.tools[0][0] == "[redacted]"
        assert short not in cache.model_dump_json()
        assert (made.request.model, made.request.effort) == ("[redacted]", "[redacted]")
        assert Record.model_validate_json(to_json(made)) == made


def test_an_answer_that_was_read_is_not_read_again() -> None:
    """The answer of a Reading is taken as it is; its failure is an error of the record."""
    made = built(stream("text.sse"), Summary(), answer=Answer(message={"x": 1}, failure=f"ValueError: {SECRET}"))
    assert made.response is not None
    assert made.response.message == {"x": 1}
    assert made.errors == ("answer: ValueError: [redacted]",)


CUT = Marks(request_end=0.1, first_byte=0.5, last_byte=3.5, end=4.0)


def test_a_cut_answer_is_a_lower_bound() -> None:
    """A stream that ended before its final usage is marked: in the record, before tokens and cost, and without a speed."""
    made = record(stream("cut_mid.sse"), marks=CUT)
    assert made.usage_is_partial is True
    assert made.timing.output_tokens_per_second is None
    assert " → ≥1  ≥$0.0079  " in line(made)
    assert " → ≥1 · ≥$0.0079" in comment(made)
    assert orjson.loads(flat(made))["usage_is_partial"] is True


def test_a_whole_answer_is_no_lower_bound() -> None:
    """With its final usage an answer has tokens, cost and speed as they are, though its last event may be missing."""
    content = (RESPONSES / "cut_no_message_stop.sse").read_bytes()
    chunks = (Chunk(0.5, content[:600]), Chunk(1.5, content[600:]))
    for response in (stream("text.sse"), Response(200, SSE, body(content), chunks)):
        made = record(response, marks=Marks(request_end=0.1, first_byte=0.5, last_byte=3.5, end=4.0))
        assert made.usage_is_partial is False
        assert made.timing.output_tokens_per_second is not None
        assert "≥" not in line(made)


def test_unplaced_events_stand_in_the_record() -> None:
    """An event that has no place in the message is kept, redacted; without content only their number is."""
    odd = b'event: new\ndata: {"type":"new","x":"%s"}\n\n' % SECRET.encode()
    response = Response(200, SSE, body(odd))
    (event,) = record(response).response.unplaced  # type: ignore[union-attr]
    assert (event.event, event.data) == ("new", {"type": "new", "x": "[redacted]"})
    assert record(response, "full").response.unplaced[0].data["x"] == SECRET  # type: ignore[union-attr]
    without = record(response, "metadata").response
    assert without is not None
    assert (without.unplaced, without.unplaced_left_out) == ((), 1)


@pytest.mark.parametrize(("size", "kept"), [(10, MOST_UNPLACED), (20_000, MOST_UNPLACED_BYTES // 20_000)])
def test_unplaced_events_are_bounded(size: int, kept: int) -> None:
    """They are bounded in number and in bytes, and the record tells how many are left out."""
    odd = b'event: new\ndata: {"x":"%s"}\n\n' % (b"x" * size) * 150
    response = record(Response(200, SSE, body(odd))).response
    assert response is not None
    assert (len(response.unplaced), response.unplaced_left_out) == (kept, 150 - kept)


def error_of(text: str) -> bytes:
    return orjson.dumps({"type": "error", "error": {"type": f"odd {text}", "message": f"no such key: {text}"}})


@pytest.mark.parametrize("level", ["full", "redacted", "metadata"])
def test_the_log_is_redacted_at_every_level(level: CaptureLevel) -> None:
    """Whatever of an answer the log shows has no secret, also where bodies are kept as they came."""
    own = "Zq8-opaque-credential-of-nobodys-shape"
    redactor = Redactor(also=credentials(((b"x-api-key", own.encode()),)))
    said = {"model": f"m {SECRET}", "stop_reason": own, "content": [], "usage": {"service_tier": f"{own} {SECRET}"}}
    for response in (
        Response(400, JSON, body(error_of(f"{SECRET} {own}"))),
        Response(200, SSE, body(b"event: error\ndata: " + error_of(f"{SECRET} {own}") + b"\n\n")),
        Response(200, JSON, body(orjson.dumps(said))),
    ):
        asked = summarise({"model": own, "messages": [{"role": "user", "content": f"{SECRET} {own}"}]})
        for end in ("answered", "rejected"):
            made = build.record(exchange(response, end=end), asked, Session(), level, redactor)
            for told in (line(made), comment(made), flat(made).decode(), verbose(made, redactor)):
                assert SECRET not in told
                assert own not in told
            assert SECRET not in verbose(made)


@pytest.mark.parametrize("wrap", ["input", "message", "unplaced", "delta", "tool"])
@pytest.mark.parametrize("levels", [MAX_DEPTH - 10, MAX_DEPTH, MAX_DEPTH + 1, 250, 1000])
def test_what_is_written_can_be_read(wrap: str, levels: int) -> None:
    """However deep a body is nested, the record that is made of it can be read again."""
    deep = b"[" * levels + b"]" * levels
    start = b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":%s}\n\n'
    delta = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":%s}\n\n'
    if wrap == "input":
        summary = summarise({"messages": [{"role": "user", "content": orjson.loads(deep)}]})
        made = build.record(exchange(None), summary, Session(), "full", Redactor())
    else:
        said = {
            "message": b'{"content":%s}' % deep,
            "unplaced": b"event: new\ndata: %s\n\n" % deep,
            "delta": start % b"{}" + delta % (b'{"type":"new","x":%s}' % deep),
            "tool": start % b'{"type":"tool_use"}'
            + delta % orjson.dumps({"type": "input_json_delta", "partial_json": deep.decode()}),
        }[wrap]
        made = record(Response(200, JSON if wrap == "message" else SSE, body(said)), "full")
    assert Record.model_validate_json(to_json(made)) == made


def test_any_endpoint_has_an_answer_to_build_from() -> None:
    """The builder reads what nobody has read, and gets what a Reading gets."""
    response = stream("kitchen_sink.sse")
    assert built(response, Summary()) == built(response, Summary(), answer=read.read("messages", response))
