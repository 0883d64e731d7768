"""The decoder of server-sent events, against the rules and examples of the specification."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitmclaude.answer.decode import Decoder, Event, decode, loads
from mitmclaude.depth import MAX_DEPTH

RESPONSES = sorted((Path(__file__).parents[1] / "fixtures/responses").glob("*.sse"))


def read(raw: bytes) -> list[tuple[str, bytes]]:
    return [(event.name, event.data) for event in decode(raw)]


def in_chunks(raw: bytes, size: int) -> list[Event]:
    decoder = Decoder()
    return [event for start in range(0, len(raw), size) for event in decoder.feed(raw[start : start + size])]


CASES: dict[str, tuple[bytes, list[tuple[str, bytes]]]] = {
    "one event": (b"event: add\ndata: 7\n\n", [("add", b"7")]),
    "default name": (b"data: x\n\n", [("message", b"x")]),
    "empty name": (b"event:\ndata: x\n\n", [("message", b"x")]),
    "name of the last line": (b"event: a\nevent: b\ndata: x\n\n", [("b", b"x")]),
    "name does not stick": (b"event: a\ndata: 1\n\ndata: 2\n\n", [("a", b"1"), ("message", b"2")]),
    "name without data": (b"event: a\n\ndata: 2\n\n", [("message", b"2")]),
    "data lines are joined": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", b"YHOO\n+2\n10")]),
    "comments": (b": first\n\n:\ndata: a\n: mid\ndata: b\n\n", [("message", b"a\nb")]),
    "id, retry and unknown": (b"id: 1\nretry: 9\nfoo: bar\nfoo\ndata: x\n\n", [("message", b"x")]),
    "one space is taken": (b"data:a\n\ndata: b\n\ndata:  c\n\n", [("message", v) for v in (b"a", b"b", b" c")]),
    "field without colon": (b"data\n\ndata\ndata\n\n", [("message", b""), ("message", b"\n")]),
    "colon in the value": (b"data: a: b:c\n\n", [("message", b"a: b:c")]),
    "names are exact": (b"Data: a\n data: b\ndata : c\n\n", []),
    "no blank line": (b"data: a\n\ndata: b\n", [("message", b"a")]),
    "no line end": (b"data: a\n\ndata: b", [("message", b"a")]),
    "many blank lines": (b"\n\ndata: a\n\n\n\ndata: b\n\n", [("message", b"a"), ("message", b"b")]),
    "CR": (b"event: a\rdata: 1\r\rdata: 2\r\r", [("a", b"1"), ("message", b"2")]),
    "CRLF": (b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [("a", b"1"), ("message", b"2")]),
    "mixed ends": (b"data: 1\r\ndata: 2\ndata: 3\r\r\n", [("message", b"1\n2\n3")]),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [("message", b"a")]),
    "BOM at a blank line": (b"\xef\xbb\xbf\ndata: a\n\n", [("message", b"a")]),
    "BOM only at the start": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", b"a")]),
    "BOM not behind a line": (b"\n\xef\xbb\xbfdata: b\n\n", []),
    "one BOM": (b"\xef\xbb\xbf\xef\xbb\xbfdata: b\n\n", []),
    "other separators are data": (
        "data: a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b\n\n".encode(),
        [("message", "a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b".encode())],
    ),
    "name that is not UTF-8": (b"event: \xff\ndata: x\n\n", [("�", b"x")]),
    "nothing": (b"", []),
    "not an event stream": (b"<html>\n\n<body>data: x</body>\n\n", []),
}


@pytest.mark.parametrize(("raw", "events"), CASES.values(), ids=CASES)
def test_rules(raw: bytes, events: list[tuple[str, bytes]]) -> None:
    """Each rule of the specification holds for a whole stream."""
    assert read(raw) == events


@pytest.mark.parametrize("raw", [raw for raw, _ in CASES.values()], ids=CASES)
def test_chunks_do_not_matter_for_the_rules(raw: bytes) -> None:
    """The events and their offsets are the same for chunks of any size and any cut in two."""
    whole = decode(raw)
    for size in range(1, len(raw) + 1):
        assert in_chunks(raw, size) == whole
    for cut in range(len(raw) + 1):
        decoder = Decoder()
        assert decoder.feed(raw[:cut]) + decoder.feed(b"") + decoder.feed(raw[cut:]) == whole


@pytest.mark.parametrize("path", RESPONSES, ids=lambda path: path.stem)
def test_captured_streams_cut_at_every_byte(path: Path) -> None:
    """A captured stream that is fed in two parts, cut anywhere, gives the same events; junk behind it changes none."""
    raw = path.read_bytes()
    whole = decode(raw)
    assert whole
    for cut in range(len(raw) + 1):
        decoder = Decoder()
        first = decoder.feed(raw[:cut])
        assert first + decoder.feed(raw[cut:]) == whole
        assert first == decode(raw[:cut])
    assert decode(raw + b"\x00junk \xff: data\n\n")[: len(whole)] == whole


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_end_is_where_the_event_is_complete(end: bytes) -> None:
    """The stream up to the offset `end` completes the event, and one byte less does not."""
    raw = b"\xef\xbb\xbf" + end.join([b"data: 1", b"", b": c", b"event: x", b"data: 2", b"", b""])
    events = decode(raw)
    assert [event.data for event in events] == [b"1", b"2"]
    for number, event in enumerate(events, 1):
        assert len(decode(raw[: event.end])) == number
        assert len(decode(raw[: event.end - 1])) == number - 1


def test_events_come_at_once() -> None:
    """An event is given as soon as the byte that completes it is fed, not with the next chunk."""
    decoder = Decoder()
    assert decoder.feed(b"data: 1\r\n") == []
    assert decoder.feed(b"\r") == [Event("message", b"1", 10)]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: 2\n\n") == [Event("message", b"2", 20)]


lines = st.sampled_from(
    [b"data: a", b"data:", b"data", b"event: x", b":", b"", b"id: 1", "data: é漢😀".encode(), b"\xef\xbb\xbf", b"\xff"]
)
ends = st.sampled_from([b"\n", b"\r", b"\r\n"])
streams = st.lists(st.tuples(lines, ends)).map(lambda parts: b"".join(line + end for line, end in parts))


@given(streams | st.binary(), st.lists(st.integers(1, 9)))
def test_random_chunks_equal_the_whole(raw: bytes, sizes: list[int]) -> None:
    """However a stream is cut into chunks, the events are the same."""

    def chunks() -> Iterator[bytes]:
        start = 0
        for size in sizes:
            yield raw[start : start + size]
            start += size
        yield raw[start:]

    decoder = Decoder()
    assert [event for chunk in chunks() for event in decoder.feed(chunk)] == decode(raw)


def test_limit() -> None:
    """An event without an end raises once more than the limit is held; the events before it are given."""
    decoder = Decoder(max_event_bytes=100)
    for _ in range(50):
        assert len(decoder.feed(b"data: short\n\n")) == 1
    assert len(decoder.feed(b"data: x\n\ndata: " + b"y" * 200)) == 1
    with pytest.raises(ValueError, match="no end after 100 bytes"):
        decoder.feed(b"y")


@pytest.mark.parametrize("line", [b"data: x\n", b"data\n", b"x"], ids=["data lines", "empty data lines", "one line"])
def test_limit_holds_for_small_chunks(line: bytes) -> None:
    """Many small pieces of one event reach the limit as well."""
    decoder = Decoder(max_event_bytes=100)
    with pytest.raises(ValueError, match="100"):
        for _ in range(200):
            decoder.feed(line)


def test_decode_has_no_limit() -> None:
    """What is in memory already is decoded whatever its size."""
    assert len(decode(b"data: " + b"x" * 1000 + b"\n\n")[0].data) == 1000


class Counted(bytes):
    """Bytes that count how often a part of them is taken."""

    taken = 0

    def splitlines(self, keepends: bool = False) -> list[bytes]:
        Counted.taken += len(self)
        return super().splitlines(keepends)


@pytest.mark.parametrize("ending", [b"", b"\n\n"], ids=["open", "closed"])
def test_each_byte_is_split_once(ending: bytes) -> None:
    """Fed byte by byte, an event of n bytes is not scanned again for each byte."""
    raw = b"data: " + b"x" * 5000 + ending
    Counted.taken = 0
    decoder = Decoder()
    for byte in raw:
        decoder.feed(Counted(bytes([byte])))
    assert Counted.taken == len(raw)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":[1,2.5,null,true]}', {"a": [1, 2.5, None, True]}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"x\\ud83d"', "x�"),
        (b'"\xff"', "�"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b"[" + b"{}," * 1000 + b"[]]", [{}] * 1000 + [[]]),
    ],
    ids=["plain", "pair", "lone surrogate", "not UTF-8", "deep", "wide"],
)
def test_loads(data: bytes, value: object) -> None:
    """JSON is read, with U+FFFD for what no writer would take."""
    read_value = loads(data)
    if value is not None:
        assert read_value == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{} x",
        b"NaN",
        b"[NaN]",
        b"\xef\xbb\xbf{}",
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 1100 + b"]" * 1100,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"[" * 1_000_000,
        b"9" * 5000 + b"x",
    ],
    ids=[
        "empty",
        "cut",
        "more",
        "NaN",
        "NaN in a list",
        "BOM",
        "one too deep",
        "1100",
        "10000",
        "million open",
        "digits",
    ],
)
def test_loads_refuses(data: bytes) -> None:
    """What is not JSON, or nested too deep to be written again, raises ValueError."""
    with pytest.raises(ValueError):
        loads(data)
