"""The prelude of a streamed response: fed whole, cut at every byte, and with junk."""

import pytest
from scripts.lambda_local.prelude import LIMIT, SEPARATOR, Prelude, PreludeReader, parse

JSON = b'{"statusCode":201,"headers":{"content-type":"text/event-stream"},"cookies":["a=1","b=2"]}'
PRELUDE = Prelude(201, (("content-type", "text/event-stream"),), ("a=1", "b=2"))
BODY = b"\0\0data: 1\n\n" + SEPARATOR + b"data: 2\n\n"  # NULs are nothing special in a body
WHOLE = JSON + SEPARATOR + BODY


def test_whole() -> None:
    """In one piece."""
    reader = PreludeReader()
    assert reader.feed(WHOLE) == BODY
    assert reader.prelude == PRELUDE


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
def test_cut_at_every_byte(cut: int) -> None:
    """In two pieces, wherever the cut is."""
    reader = PreludeReader()
    first = reader.feed(WHOLE[:cut])
    assert (reader.prelude is None) == (cut < len(JSON) + len(SEPARATOR))
    assert first + reader.feed(WHOLE[cut:]) == BODY
    assert reader.prelude == PRELUDE


def test_byte_by_byte() -> None:
    """In pieces of one byte, and every byte of the body is passed on at once."""
    reader = PreludeReader()
    pieces = [reader.feed(WHOLE[at : at + 1]) for at in range(len(WHOLE))]
    assert b"".join(pieces) == BODY
    assert all(pieces[-len(BODY) :])


def test_defaults() -> None:
    """An empty prelude is a 200 without headers."""
    assert parse(b"{}") == Prelude(200, (), ())
    assert parse(b'{"statusCode":204,"headers":null,"cookies":null}') == Prelude(204)


def test_values_of_a_header() -> None:
    """An array is several values; a number is its text."""
    assert parse(b'{"headers":{"x":["1","2"],"n":3}}').headers == (("x", "1"), ("x", "2"), ("n", "3"))


@pytest.mark.parametrize(
    "junk",
    [b"", b"[]", b"HTTP/1.1 200", b'{"statusCode":"200"}', b'{"statusCode":99}', b'{"headers":[]}', b'{"cookies":"a"}', b'{"headers":{"x":"a\\r\\nb: c"}}'],
)  # fmt: skip
def test_junk(junk: bytes) -> None:
    """What is not a prelude is a ValueError."""
    with pytest.raises(ValueError):
        PreludeReader().feed(junk + SEPARATOR)


def test_endless() -> None:
    """Bytes without a separator are not kept for ever."""
    with pytest.raises(ValueError, match="8 NUL"):
        PreludeReader().feed(b" " * (LIMIT + 1))
