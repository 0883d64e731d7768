"""How deep JSON may be nested: what a record keeps can be read back, whatever came."""

import json

import orjson
import pytest

from mitmclaude.depth import AROUND, MAX_DEPTH, READ, is_too_deep
from mitmclaude.exchange import Response
from mitmclaude.record import build
from mitmclaude.record.record import Record, to_json
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session
from mitmclaude.request.summary import Summary, summarise
from tests.record.made import SSE, body, exchange, plain


def nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def stream(*events: dict[str, object]) -> Response:
    content = b"".join(b"event: %s\ndata: %s\n\n" % (str(e["type"]).encode(), orjson.dumps(e)) for e in events)
    return Response(200, SSE, body(content))


def delta(index: int, value: dict[str, object]) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": value}


def of_stream(*events: dict[str, object]) -> Record:
    start: dict[str, object] = {"type": "message_start", "message": {"type": "message", "usage": {}}}
    return of_answer(stream(start, *events, {"type": "message_stop"}))


def of_answer(response: Response | None, summary: Summary | None = None) -> Record:
    return build.record(exchange(response), summary or Summary(), Session(), "redacted", Redactor())


def of_request(levels: int) -> Record:
    message = {"role": "user", "content": nested(levels - 2)}
    return of_answer(None, summarise({"messages": [message]}))


def of_message(levels: int) -> Record:
    return of_answer(plain(200, orjson.dumps({"type": "message", "content": [], "x": nested(levels - 1)})))


def of_usage(levels: int) -> Record:
    return of_answer(plain(200, orjson.dumps({"type": "message", "usage": {"input_tokens": nested(levels - 2)}})))


def of_error(levels: int) -> Record:
    return of_answer(plain(400, orjson.dumps({"type": "error", "error": {"x": nested(levels - 2)}})))


def of_error_event(levels: int) -> Record:
    return of_stream({"type": "error", "x": nested(levels - 1)})


def of_tool_input(levels: int) -> Record:
    text = orjson.dumps({"x": nested(levels - 1)}).decode()
    tool = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "input": {}}}
    return of_stream(tool, delta(0, {"type": "input_json_delta", "partial_json": text}))


def of_block(levels: int) -> Record:
    block = {"type": "hologram", "x": nested(levels - 2)}
    return of_stream({"type": "content_block_start", "index": 0, "content_block": block})


def of_unknown_delta(levels: int) -> Record:
    return of_stream(delta(0, {"type": "hologram_delta", "x": nested(levels - 2)}))


def of_delta_field(levels: int) -> Record:
    return of_stream(delta(0, {"type": "text_delta", "text": "", "x": nested(levels - 2)}))


PLACES = [of_request, of_message, of_usage, of_error, of_error_event, of_tool_input, of_block, of_unknown_delta, of_delta_field]  # fmt: skip


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 195, 198, 199, 200, 201, 230, 245, 254])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_whatever_is_stored_is_read(place: object, levels: int) -> None:
    """A value of any depth, anywhere on the way in, makes a record that its readers take."""
    made = place(levels)  # type: ignore[operator]
    stored = to_json(made)
    assert Record.model_validate_json(stored) == made
    assert depth_of(stored) <= MAX_DEPTH + AROUND
    assert (depth_of(stored) > MAX_DEPTH - 4) == (levels <= MAX_DEPTH)  # kept up to the bound, left out beyond it


def test_pydantic_reads_so_deep() -> None:
    """The bound is below what the reader of records takes."""
    record = {**orjson.loads(to_json(of_answer(None))), "usage": {"x": nested(READ - 2)}}
    Record.model_validate_json(orjson.dumps(record))


@pytest.mark.parametrize("value", [None, "[[[", 1, [], {}, nested(MAX_DEPTH), [{}] * 1000])
def test_not_too_deep(value: object) -> None:
    """Width is not depth."""
    assert not is_too_deep(value, json.dumps(value).encode())


@pytest.mark.parametrize("value", [nested(MAX_DEPTH + 1), [1, {"a": nested(MAX_DEPTH)}], nested(5000)])
def test_too_deep(value: object) -> None:
    """One level more than the bound, in a list or an object."""
    assert is_too_deep(value, b"[" * 10_000)


def depth_of(content: bytes) -> int:
    depth, level = 0, [orjson.loads(content)]
    while level := [value for value in level if isinstance(value, dict | list)]:
        depth += 1
        level = [child for value in level for child in (value.values() if isinstance(value, dict) else value)]
    return depth
