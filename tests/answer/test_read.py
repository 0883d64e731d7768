"""Reading an answer while it comes."""

import gzip
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitmclaude.answer import decode, fold, read
from mitmclaude.answer.read import Answer, Reading
from mitmclaude.exchange import Body, Chunk, Endpoint, Response
from mitmclaude.headers import Headers

RESPONSES = {
    path.name: path.read_bytes() for path in sorted((Path(__file__).parents[1] / "fixtures/responses").iterdir())
}
STREAMS = {name: raw for name, raw in RESPONSES.items() if name.endswith(".sse")}
SSE: Headers = ((b"content-type", b"text/event-stream; charset=utf-8"),)
JSON: Headers = ((b"content-type", b"application/json"),)
GZIP: Headers = ((b"content-encoding", b"gzip"),)


def fed(chunks: list[bytes], headers: Headers = SSE, status: int = 200, endpoint: Endpoint = "messages") -> Reading:
    reading = Reading(endpoint, status, headers)
    for number, chunk in enumerate(chunks):
        reading.feed(chunk, float(number))
    return reading


def timeless(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in Answer.__dataclass_fields__ if name != "seen"}


def cut(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("size", [1, 7, 64, 10**6])
def test_a_stream_reads_the_same_however_it_is_cut(name: str, size: int) -> None:
    """The chunks of a stream give what the whole of it folds to, and its bytes."""
    raw = STREAMS[name]
    reading = fed(cut(raw, size))
    answer = reading.finish()
    folded = fold.fold(decode.decode(raw))
    assert answer.folded == folded
    assert (answer.message, answer.error, answer.unplaced) == (folded.message, folded.error, folded.unplaced)
    assert answer.findings[: len(folded.findings)] == folded.findings
    assert (reading.decoded, reading.is_decoded, answer.failure) == (raw, True, None)


@pytest.mark.parametrize("name", RESPONSES)
def test_a_coded_answer_reads_as_the_plain_one(name: str) -> None:
    """A content encoding is undone chunk by chunk."""
    raw, status = RESPONSES[name], 400 if "error_" in name and name.endswith(".json") else 200
    kind = SSE if name.endswith(".sse") else JSON
    coded = fed(cut(gzip.compress(raw), 5), kind + GZIP, status)
    assert coded.decoded == raw
    assert timeless(coded.finish()) == timeless(fed([raw], kind, status).finish())


def test_read_is_a_reading_of_all_chunks() -> None:
    """What is there already is read by the same rules; without chunks the body is one."""
    raw = STREAMS["text.sse"]
    body = Body(raw, len(raw), None, None)
    chunks = tuple(Chunk(float(number), data) for number, data in enumerate(cut(raw, 50)))
    assert read.read("messages", Response(200, SSE, body, chunks)) == fed(cut(raw, 50)).finish()
    assert read.read("messages", Response(200, SSE, body)).message == fed([raw]).finish().message


def test_it_may_be_finished_again_after_more_chunks() -> None:
    """A partial answer does not spoil the whole one: nothing of it is there twice."""
    raw = STREAMS["kitchen_sink.sse"]
    reading = Reading("messages", 200, SSE)
    for piece in cut(raw, 40):
        reading.feed(piece, 0.0)
        reading.finish()
        assert raw.startswith(reading.decoded)
    assert timeless(reading.finish()) == timeless(fed([raw]).finish())


def test_json_is_parsed_at_the_end() -> None:
    """An answer without a stream is collected, parsed and checked."""
    answer = fed(cut(RESPONSES["message.json"], 9), JSON).finish()
    assert answer.message == orjson.loads(RESPONSES["message.json"])
    assert (answer.folded, answer.usage_is_partial, answer.findings, answer.failure) == (None, False, (), None)
    error = fed([RESPONSES["error_529.json"]], JSON, 529).finish()
    assert error.error == orjson.loads(RESPONSES["error_529.json"])["error"]
    assert error.message is None


@pytest.mark.parametrize(
    ("endpoint", "headers", "status", "raw"),
    [
        ("other", JSON, 200, b"not json"),
        ("models", JSON, 200, b'{"data":[]}'),
        ("other", SSE, 200, b"data: {}\n\n"),
        ("messages", JSON, 502, b"<html>bad gateway</html>"),
        ("messages", JSON, 200, b"  "),
        ("messages", JSON, 200, b'"text"'),
    ],
)
def test_what_has_no_message(endpoint: Endpoint, headers: Headers, status: int, raw: bytes) -> None:
    """Of other endpoints, pages of gateways and other JSON nothing is read, and nothing is wrong; the bytes are there."""
    reading = fed([raw], headers, status, endpoint)
    assert timeless(reading.finish()) == timeless(Answer())
    assert reading.decoded == raw


@pytest.mark.parametrize(
    ("headers", "chunks", "failure", "is_decoded"),
    [
        (JSON, [b"{"], "JSONDecodeError: ", True),
        (JSON, [b"[" * 5000], "JSONDecodeError: ", True),
        ((*JSON, (b"content-encoding", b"sdch")), [b"{}"], "ValueError: content-encoding 'sdch' is unknown", False),
        (JSON + GZIP, [b"no gzip", b"more"], "ValueError: gzip body is corrupt", False),
        (SSE + GZIP, [gzip.compress(STREAMS["text.sse"]), b"junk"], "ValueError: gzip body is corrupt", False),
    ],
)
def test_a_fault_is_told_at_the_end(headers: Headers, chunks: list[bytes], failure: str, is_decoded: bool) -> None:
    """A body that cannot be read never raises; `failure` has the first reason, and `is_decoded` whether bytes miss."""
    reading = fed(chunks, headers)
    assert (reading.finish().failure or "").startswith(failure)
    assert reading.is_decoded is is_decoded


def test_what_precedes_a_fault_is_kept() -> None:
    """Where the encoding breaks, the message is there as far as it came, and how it ended is not known."""
    raw, packer = STREAMS["text.sse"], zlib.compressobj(wbits=31)
    half = packer.compress(raw[: len(raw) // 2]) + packer.flush(zlib.Z_FULL_FLUSH)
    answer = fed([half, b"\xff" * 50], SSE + GZIP).finish()
    assert answer.failure is not None
    assert answer.message is not None
    assert answer.folded is None


def test_the_limit_holds_for_plain_bodies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is kept than the limit, whether or not the answer has an encoding."""
    monkeypatch.setattr(read, "LIMIT", 1000)
    for headers, chunk in ((SSE, b"x" * 600), (SSE + GZIP, gzip.compress(b"x" * 1200))):
        reading = fed([chunk] * 2, headers)
        assert "over 1000 bytes" in (reading.finish().failure or "")
        assert len(reading.decoded) <= 1000
        assert not reading.is_decoded


def test_an_event_without_an_end_is_a_fault_of_the_reading_alone() -> None:
    """Past the bound of one event the events are given up, but the bytes are all there."""
    endless = Reading("messages", 200, SSE)
    endless._events = decode.Decoder(10)
    for _ in range(5):
        endless.feed(b"data: xxxxxx", 0.0)
    assert "has no end after 10 bytes" in (endless.finish().failure or "")
    assert (len(endless.decoded), endless.is_decoded) == (60, True)


PARTIAL = {
    "cut_mid.sse": True,
    "cut_no_message_stop.sse": False,
    "error_mid_stream.sse": True,
    "no_event_lines.sse": False,
    "text.sse": False,
}


@pytest.mark.parametrize("name", PARTIAL)
def test_a_cut_usage_is_partial(name: str) -> None:
    """Until message_delta has brought the final usage, the one that is there is a lower bound."""
    assert fed([STREAMS[name]]).finish().usage_is_partial is PARTIAL[name]


def test_usage_is_partial_up_to_the_last_count() -> None:
    """Cut after any event, a usage is partial until that of message_delta has come; without one nothing is partial."""
    raw = STREAMS["text.sse"]
    for number, event in enumerate(events := decode.decode(raw)):
        told = fed([raw[: event.end]]).finish().usage_is_partial
        assert told is not any(before.name == "message_delta" for before in events[: number + 1])
    assert fed([b""]).finish().usage_is_partial is False


def test_a_count_before_the_end_is_not_the_final_one() -> None:
    """A usage that message_delta reports while the message goes on is a lower bound as well."""
    start = b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"output_tokens":1}}}\n\n'
    count = b'event: message_delta\ndata: {"type":"message_delta","delta":{},"usage":{"output_tokens":9}}\n\n'
    stop = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    assert fed([start, count]).finish().usage_is_partial is True
    assert fed([start, count, stop]).finish().usage_is_partial is False
    assert fed([start, stop]).finish().usage_is_partial is True


def test_each_event_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No JSON is parsed again, however often the answer is finished."""
    parsed: list[bytes] = []

    def loads(data: bytes) -> Any:
        parsed.append(data)
        return orjson.loads(data)

    monkeypatch.setattr(fold, "loads", loads)
    raw = STREAMS["text.sse"]
    reading = fed(cut(raw, 30))
    reading.finish()
    reading.finish()
    assert parsed == [event.data for event in decode.decode(raw) if event.name != "ping"]


def pieces(raw: bytes, cuts: list[int]) -> Iterator[bytes]:
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        yield raw[start:end]


lines = st.sampled_from(
    [
        b"event: ping",
        b"event:",
        b"event: a:b",
        b"data: {}",
        b"data:",
        b"data:x",
        b"data:  y",
        b": c",
        b"",
        b"",
        b"id: 1",
    ]
)
endings = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(lines, endings), max_size=14), st.data())
def test_events_do_not_depend_on_the_chunks(parts: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    """Any lines, cut anywhere, give the events that they give byte by byte: the short way takes none amiss."""
    raw = b"".join(line + ending for line, ending in parts)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=4)))
    decoder, bytewise = decode.Decoder(), decode.Decoder()
    found = [event for piece in pieces(raw, cuts) for event in decoder.feed(piece)]
    assert found == [event for at in range(len(raw)) for event in bytewise.feed(raw[at : at + 1])]


ENDS = [ends for ends in product((b"\n", b"\r\n", b"\r"), repeat=3) if ends[1:] != (b"\r", b"\n")]  # that is a CRLF


@pytest.mark.parametrize("ends", ENDS)
def test_every_line_ending_in_every_place(ends: tuple[bytes, bytes, bytes]) -> None:
    """An event after one that went the short way is the same, whatever ends its lines."""
    raw = b"event: a\ndata: b\n\n" * 2 + b"".join(map(bytes.__add__, (b"event: c", b"data: d", b""), ends))
    decoder = decode.Decoder()
    expected = [event for at in range(len(raw)) for event in decoder.feed(raw[at : at + 1])]
    assert decode.Decoder().feed(raw) == expected
    assert [(event.name, event.data) for event in expected] == [("a", b"b"), ("a", b"b"), ("c", b"d")]


@given(st.binary(max_size=300), st.sampled_from([SSE, JSON, SSE + GZIP, JSON + GZIP]), st.sampled_from([200, 500]))
def test_any_bytes(raw: bytes, headers: Headers, status: int) -> None:
    """No bytes raise."""
    fed(cut(raw, 11), headers, status).finish()
