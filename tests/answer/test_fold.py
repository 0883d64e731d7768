"""The fold of stream events: the API's rules, equality with the Anthropic SDK, and streams that break the rules."""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitmclaude.answer.block import DELTAS, TEXTS
from mitmclaude.answer.decode import Event, decode
from mitmclaude.answer.fold import _EVENTS, MAX_FINDINGS, Folded, fold, has_output

HERE = Path(__file__).parents[1]
RESPONSES = {path.stem: path.read_bytes() for path in sorted((HERE / "fixtures/responses").glob("*.sse"))}
GOLDEN = {path.stem: path.read_bytes() for path in sorted((HERE / "golden").glob("*.sse"))}
STREAMS = RESPONSES | GOLDEN
REFUSED_BY_SDK = {"error_mid_stream", "invalid_json", "no_event_lines"}


def said(kind: str, **fields: Any) -> Event:
    return Event(kind, orjson.dumps({"type": kind, **fields}), 0)


def start(**fields: Any) -> Event:
    return said("message_start", message={"id": "msg_1", **fields})


def block(index: Any, **fields: Any) -> Event:
    return said("content_block_start", index=index, content_block=fields)


def delta(index: Any, kind: str, **fields: Any) -> Event:
    return said("content_block_delta", index=index, delta={"type": kind, **fields})


STOP = said("content_block_stop", index=0)


def drifts(folded: Folded) -> list[tuple[str, str]]:
    assert all(finding.kind == "drift" for finding in folded.findings)
    return [(finding.path, finding.message) for finding in folded.findings]


def message_of(events: list[Event]) -> dict[str, Any]:
    folded = fold(events)
    assert folded.message is not None
    return folded.message


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str) -> None:
    """A stream folds to the message that lies beside it."""
    assert message_of(decode(GOLDEN[name])) == json.loads((HERE / f"golden/{name}.json").read_bytes())


def sdk_message(raw: bytes) -> Any:
    """What the SDK's stream makes of these bytes."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=raw)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = anthropic.Anthropic(api_key="none", base_url="http://sdk.invalid", max_retries=0, http_client=http)
        ask: Any = [{"role": "user", "content": "x"}]
        with client.beta.messages.stream(model="claude-opus-5-5", max_tokens=9, messages=ask) as stream:
            return stream.get_final_message().to_dict()


def as_the_sdk_has_it(ours: dict[str, Any]) -> dict[str, Any]:
    """With the two things the SDK does itself: a null stop_details on message_delta, unknown deltas dropped."""
    if ours["stop_reason"] is not None:
        ours.setdefault("stop_details", None)
    for part in ours["content"]:
        part.pop("unknown_deltas", None)
    return ours


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the SDK's, for a block that it does not know
@pytest.mark.parametrize("name", [*sorted(RESPONSES.keys() - REFUSED_BY_SDK), "all_deltas", "fallback"])
def test_equals_the_sdk(name: str) -> None:
    """The message is the one that the Anthropic SDK accumulates from the same bytes."""
    raw = STREAMS[name]
    assert as_the_sdk_has_it(message_of(decode(raw))) == sdk_message(raw)


@pytest.mark.parametrize("name", sorted(REFUSED_BY_SDK))
def test_sdk_refuses(name: str) -> None:
    """The streams that are left out above are those on which the SDK raises."""
    with pytest.raises((anthropic.APIStatusError, ValueError, AssertionError)):
        sdk_message(RESPONSES[name])


@pytest.mark.parametrize("raw", STREAMS.values(), ids=STREAMS)
def test_cut_at_every_byte(raw: bytes) -> None:
    """A stream cut anywhere folds, without raising, to what its complete events say; junk behind it changes nothing."""
    events = decode(raw)
    whole = fold(events)
    for cut in range(len(raw)):
        assert decode(raw[:cut]) == events[: sum(event.end <= cut for event in events)]
    blocks = 0
    for count in range(len(events) + 1):
        content = (fold(events[:count]).message or {}).get("content", [])
        assert blocks <= len(content)
        blocks = len(content)
    assert blocks == len((whole.message or {})["content"])
    assert fold(decode(raw + b"\x00\xff junk: data\n\n")) == whole


GOOD = {"crlf", "kitchen_sink", "max_tokens", "parallel_tool_use", "refusal", "text", "text_tool_use"}
GOOD |= {"thinking_tool_use", "unknown_block"}
STRANGE: dict[str, tuple[list[tuple[str, str]], bool]] = {
    "cut_mid": ([], False),
    "cut_no_message_stop": ([], False),
    "error_mid_stream": ([], False),
    "invalid_json": ([("events.4", "data is not a JSON object")], True),
    "no_event_lines": ([("events.0", "no event line: clients take no event without one")], True),
    "unknown_delta": ([("events.4.delta", "delta of unknown type or shape: some_future_delta")], True),
    "unknown_event": ([("events.4.type", "unknown event type: some_future_event")], True),
}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_good_streams(name: str) -> None:
    """A stream as the API sends it has a stop, no error, no finding and no rest."""
    folded = fold(decode(RESPONSES[name]))
    assert (folded.stopped, folded.error, folded.findings, folded.unplaced) == (True, None, (), ())
    assert folded.events["message_start"] == folded.events["message_stop"] == 1


@pytest.mark.parametrize("name", STRANGE)
def test_strange_streams(name: str) -> None:
    """Each drift is reported once, with its place, and the text that came is there."""
    folded = fold(decode(RESPONSES[name]))
    assert (drifts(folded), folded.stopped) == STRANGE[name]
    assert folded.message is not None
    assert folded.message["content"][-1]["text"].startswith("Hello f")


def test_every_captured_stream_is_tested() -> None:
    """Each captured stream is among the good or the strange ones."""
    assert GOOD | STRANGE.keys() == RESPONSES.keys()


def test_nothing() -> None:
    """Without an event of a message there is no message."""
    assert fold([]) == Folded(None, None, False, (), {}, ())
    assert fold([said("ping"), Event("ping", b"not json", 0)]) == Folded(None, None, False, (), {"ping": 2}, ())


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (said("error", error={"type": "overloaded_error"}), {"type": "overloaded_error"}),
        (Event("error", b'{"type":"overloaded_error","m":1}', 0), {"type": "overloaded_error", "m": 1}),
        (Event("error", b"upstream gone", 0), {"message": "upstream gone"}),
        (Event("message", b'{"type":"error","error":{"type":"api_error"}}', 0), {"type": "api_error"}),
        (said("error", error="text"), {"type": "error", "error": "text"}),
        (Event("error", b"[1]", 0), {"message": "[1]"}),
    ],
    ids=["as the API", "without error", "not JSON", "without event line", "text", "list"],
)
def test_error(event: Event, error: dict[str, Any]) -> None:
    """An error event gives the error, whatever its shape, and the message before it stays."""
    folded = fold([start(), event])
    assert folded.error == error
    assert folded.message == {"id": "msg_1", "content": []}


def test_second_error() -> None:
    """The first error counts; a second one is kept as unplaced."""
    folded = fold([said("error", error={"type": "a"}), said("error", error={"type": "b"})])
    assert folded.error == {"type": "a"}
    assert folded.unplaced == ({"event": "error", "data": {"type": "error", "error": {"type": "b"}}},)


@pytest.mark.parametrize(
    ("texts", "expected", "finding"),
    [
        ([], {"input": {}}, False),
        (["", ""], {"input": {}}, False),
        (["{}"], {"input": {}}, False),
        (['{"a"', ": 1}"], {"input": {"a": 1}}, False),
        (['{"a": "x'], {"input": {}, "partial_json": '{"a": "x'}, True),
        (['{"a": 1}}'], {"input": {}, "partial_json": '{"a": 1}}'}, True),
        (["[1]"], {"input": [1]}, True),
        (["[" * 300, "]" * 300], {"input": {}, "partial_json": "[" * 300 + "]" * 300}, True),
        (['{"a": "\\ud83d"}'], {"input": {"a": "�"}}, False),
    ],
    ids=["none", "empty", "empty object", "parts", "cut", "too much", "list", "deep", "surrogate"],
)
def test_tool_input(texts: list[str], expected: dict[str, Any], finding: bool) -> None:
    """Tool input is parsed once all of it came; what does not parse is kept as text, and is drift."""
    deltas = [delta(0, "input_json_delta", partial_json=text) for text in texts]
    events = [start(), block(0, type="tool_use", input={}), *deltas, STOP]
    assert message_of(events)["content"] == [{"type": "tool_use", **expected}]
    assert [path for path, _ in drifts(fold(events))] == (["content.0.input"] if finding else [])


def test_cut_tool_input_is_no_drift() -> None:
    """A tool input that the end of the stream cuts off is kept as text and is no drift."""
    events = [start(), block(0, type="tool_use", input={}), delta(0, "input_json_delta", partial_json='{"a')]
    assert message_of(events)["content"][0]["partial_json"] == '{"a'
    assert drifts(fold(events)) == []


@pytest.mark.parametrize("index", [-1, 7, 2**40, 1e30, 1.0, True, None, "0", [0], {"a": 0}], ids=str)
def test_any_index(index: Any) -> None:
    """A block gets its deltas whatever its index is; one that is not the next integer is drift."""
    events = [start(), block(index, type="text", text="a"), delta(index, "text_delta", text="b")]
    events.append(said("content_block_stop", index=index))
    assert message_of(events)["content"] == [{"type": "text", "text": "ab"}]
    assert drifts(fold(events)) == [("events.1.index", "block index is not the next one")]


BROKEN: dict[str, tuple[list[Event], Any, str | None]] = {
    "block first": ([block(0, a=1)], {"content": [{"a": 1}]}, "no message_start before it"),
    "delta first": ([delta(0, "text_delta", text="a")], {"content": [{"text": "a"}]}, "no message_start before it"),
    "message_delta first": ([said("message_delta", delta={"a": 1})], {"a": 1, "content": []}, "no message_start"),
    "usage first": ([said("message_delta", usage={"a": 1})], {"usage": {"a": 1}, "content": []}, "no message_start"),
    "stop first": ([STOP], {"content": [{}]}, "the block has not started"),
    "late message_start": ([block(0, a=1), start()], {"id": "msg_1", "content": [{"a": 1}]}, "no message_start"),
    "message is a list": ([said("message_start", message=[])], None, "message is not an object"),
    "no message": ([said("message_start")], None, "message is not an object"),
    "no content_block": ([said("content_block_start", index=0)], {"content": [{}]}, "content_block is not an object"),
    "no delta": ([start(), block(0), said("content_block_delta", index=0)], [{"unknown_deltas": [None]}], "a NoneType"),
    "content is text": ([start(content="x")], [], "content is not a list of objects"),
    "content at the start": ([start(content=[{"a": 1}]), block(1, b=2)], [{"a": 1}, {"b": 2}], None),
    "two starts": ([start(), said("message_start", message={"id": "2"})], {"id": "msg_1", "content": []}, "a second"),
    "odd message_delta": ([start(), said("message_delta", delta=[1], usage=2)], [], "message_delta of unknown shape"),
    "content in delta": ([start(), said("message_delta", delta={"content": 1})], [], "message_delta of unknown shape"),
    "usage was a number": (
        [start(usage=5), said("message_delta", usage={"a": 1})],
        {"id": "msg_1", "usage": {"a": 1}, "content": []},
        None,
    ),
    "event after the stop": ([said("message_stop"), said("message_stop")], None, "event after message_stop"),
    "ping after the stop": ([said("message_stop"), said("ping", a=1)], None, None),
    "unknown field": ([said("message_stop", x=1)], None, "message_stop with unknown fields"),
    "two names": ([Event("message_stop", b'{"type":"ping"}', 0)], None, "says message_stop, type is ping"),
    "no type": ([Event("message_stop", b"{}", 0)], None, "event line says message_stop, type is a NoneType"),
    "type is a list": ([Event("message_start", b'{"type":[],"message":{}}', 0)], {"content": []}, "type is a list"),
    "no data": ([Event("x", b"", 0)], None, "data is not a JSON object"),
    "data is a list": ([Event("x", b"[]", 0)], None, "data is not a JSON object"),
    "deep": ([Event("x", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 0)], None, "data is not a JSON object"),
    "text is a number": ([start(), block(0), delta(0, "text_delta", text=5)], None, "shape: text_delta"),
    "no citation": ([start(), block(0), delta(0, "citations_delta")], None, "shape: citations_delta"),
    "no signature": ([start(), block(0), delta(0, "signature_delta")], None, "shape: signature_delta"),
    "citations is text": (
        [start(), block(0, citations="x"), delta(0, "citations_delta", citation=1)],
        [{"citations": [1]}],
        None,
    ),
    "text in a type": ([start(), block(0), delta(0, "secret text")], None, "delta of unknown type or shape: a str"),
    "delta after stop": ([start(), block(0), STOP, delta(0, "text_delta", text="a")], [{"text": "a"}], "has stopped"),
}


@pytest.mark.parametrize(("events", "expected", "finding"), BROKEN.values(), ids=BROKEN)
def test_broken_streams(events: list[Event], expected: Any, finding: str | None) -> None:
    """What breaks the rules of a stream never raises, is kept as far as possible, and is drift."""
    folded = fold(events)
    if expected is not None:
        assert message_of(events) == ({"id": "msg_1", "content": expected} if isinstance(expected, list) else expected)
    found = [text for _, text in drifts(folded)]
    assert any(finding in text for text in found) if finding else found == []
    orjson.dumps([folded.message, folded.error, folded.unplaced])


def test_unplaced() -> None:
    """What has no place in a message is kept: unknown events, data that is not JSON, unknown fields of events."""
    events = [start(), said("new", a=1), Event("new", b"{not json \xff", 0), said("message_stop", b=2)]
    assert fold(events).unplaced == (
        {"event": "new", "data": {"type": "new", "a": 1}},
        {"event": "new", "data": "{not json �"},
        {"event": "message_stop", "data": {"b": 2}},
    )


def test_findings_are_distinct_and_bounded() -> None:
    """The same drift is reported once, different ones at most MAX_FINDINGS times; all events are kept."""
    assert len(fold([said("new")] * 50).findings) == 1
    folded = fold([said(f"new_{number}") for number in range(300)])
    assert len(folded.findings) == MAX_FINDINGS
    assert len(folded.unplaced) == folded.events["unknown"] == 300


def test_null_does_not_replace() -> None:
    """A null in message_delta replaces no value, but is kept where there was none."""
    events = [start(container={"id": "c"}), said("message_delta", delta={"container": None, "stop_details": None})]
    assert message_of(events) == {"id": "msg_1", "container": {"id": "c"}, "stop_details": None, "content": []}


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ([], False),
        (None, False),
        ([None], False),
        ([{"type": "text", "text": ""}], False),
        ([{"type": "thinking", "thinking": "", "signature": ""}], False),
        ([{"type": "fallback"}], False),
        ([{"type": "text", "text": "a"}], True),
        ([{"type": "thinking", "thinking": "", "signature": "E"}], True),
        ([{"type": "tool_use", "input": {}}], True),
    ],
)
def test_has_output(content: Any, output: bool) -> None:
    """Empty text and the mark of a fallback are no output of the model."""
    assert has_output({"content": content}) is output


def test_events_are_not_changed() -> None:
    """The events can be folded again, and share nothing with the message."""
    events = decode(RESPONSES["kitchen_sink"])
    before, first = copy.deepcopy(events), message_of(events)
    again = copy.deepcopy(first)
    first["content"].clear()
    first["usage"].clear()
    assert events == before
    assert message_of(events) == again


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**53) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
kinds = st.sampled_from([*_EVENTS, "new"])
tags = st.sampled_from([*DELTAS, "text", "tool_use", "fallback"])
keys = st.sampled_from(["text", "thinking", "partial_json", "signature", "citation", "content", "model", "usage", "to"])
objects = st.builds(lambda tag, fields: {"type": tag, **fields}, tags, st.dictionaries(keys, json_values, max_size=4))
fields = st.sampled_from(["message", "index", "content_block", "delta", "usage", "error"])
any_events = st.builds(
    lambda name, kind, said: Event(name or str(kind), orjson.dumps({"type": kind, **said}), 0),
    kinds | st.none(),
    kinds | json_values,
    st.dictionaries(fields, objects | st.integers(0, 2) | json_values),
)


@given(st.lists(any_events, max_size=12))
def test_any_events(events: list[Event]) -> None:
    """No sequence of events raises, and the result can be written as JSON."""
    folded = fold(events)
    orjson.dumps([folded.message, folded.error, folded.unplaced, folded.events])


@pytest.mark.parametrize("kind", TEXTS)
def test_work_is_linear(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as many deltas cause about twice the calls and twice the bytes parsed: nothing is done again per delta."""
    parsed = made = 0

    def loads(data: bytes) -> Any:
        nonlocal parsed
        parsed += len(data)
        return orjson.loads(data)

    def count(frame: Any, what: str, arg: Any) -> None:
        nonlocal made
        made += what in ("call", "c_call")

    def work(deltas: int) -> tuple[int, int]:
        nonlocal parsed, made
        parsed = made = 0
        text = {TEXTS[kind]: "1"}
        events = [start(), block(0, type="x"), *[delta(0, kind, **text) for _ in range(deltas)]]
        sys.setprofile(count)
        try:
            fold(events)
        finally:
            sys.setprofile(None)
        return made, parsed

    for module in ("fold", "block"):
        monkeypatch.setattr(f"mitmclaude.answer.{module}.loads", loads)
    (made_once, parsed_once), (made_twice, parsed_twice) = work(1000), work(2000)
    assert 1000 < made_once < made_twice < 2.2 * made_once
    assert 1000 < parsed_once < parsed_twice < 2.2 * parsed_once
