"""Escapes that JSON does not need hide nothing, in UTF-8 and in wider encodings."""

import json
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitmclaude.redact import MARK, Redactor
from mitmclaude.redact.unescape import view

from .planted import BEGIN, END, IN_CONTEXT, PEM, PROVIDERS

PLAIN = Redactor()
SECRET = re.compile("«(.*?)»", re.DOTALL)
CAPTURE = 'tëam "capture"/word+\\x'


def php(text: str) -> str:
    return text.replace("/", "\\/")


def dotnet(text: str) -> str:
    return re.sub(r"[+&<>'`]|\\\"", lambda m: f"\\u{ord(m[0][-1]):04X}", text)


def go(text: str) -> str:
    return re.sub("[<>&]", lambda m: f"\\u{ord(m[0]):04x}", text)


def everything(text: str) -> str:
    """Each letter, digit and sign as \\uXXXX, line ends too; the JSON's own quotes and brackets stay."""
    names = {"n": "000a", "t": "0009", "r": "000D", '"': "0022", "\\": "005C", "/": "002f"}
    parts = re.findall(r"\\u....|\\.|.", text, re.DOTALL)
    return "".join(
        f"\\u{names[part[1]]}"
        if part[0] == "\\" and len(part) == 2
        else f"\\u{ord(part):04x}"
        if len(part) == 1 and part.isascii()
        else part
        for part in parts
    )


def in_string(escape: Callable[[str], str], text: str) -> str:
    return f'{{"x": "{escape(json.dumps(text, ensure_ascii=False)[1:-1])}"}}'


TEXTS = {**{name: f"it is «{secret}», yes" for name, secret in PROVIDERS.items()}, **IN_CONTEXT}
escapes = pytest.mark.parametrize("escape", [php, dotnet, go, everything])


@escapes
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_needless_escapes(escape: Callable[[str], str], text: str) -> None:
    """PHP, .NET and Go escape what they need not; so may anyone. What is not blanked stays as it was written."""
    plain, wanted = SECRET.sub(r"\1", text), SECRET.sub(MARK, text)
    body = in_string(escape, plain)
    redacted = PLAIN.raw(body.encode()).decode()
    assert json.loads(redacted) == {"x": wanted}
    assert not PLAIN.is_clean(body.encode())
    first = in_string(escape, text.partition("«")[0])[:-2]
    assert redacted.startswith(first)
    nested = json.dumps({"partial_json": body})
    assert json.loads(json.loads(PLAIN.raw(nested.encode()))["partial_json"]) == {"x": wanted}
    assert PLAIN.value(json.loads(nested)) == {"partial_json": redacted}


@escapes
def test_credentials_of_this_request(escape: Callable[[str], str]) -> None:
    """They are found in any escaped form."""
    redactor = Redactor(also=frozenset({CAPTURE.encode()}))
    body = in_string(escape, f"x{CAPTURE}y")
    for text in (body, body.replace("ë", "\\u00eb"), body.replace("ë", "\\u00EB")):
        assert json.loads(redactor.raw(text.encode())) == {"x": f"x{MARK}y"}
        assert not redactor.is_clean(text.encode())
        nested = json.dumps([text])
        assert json.loads(json.loads(redactor.raw(nested.encode()))[0]) == {"x": f"x{MARK}y"}


@pytest.mark.parametrize("arrow", ["→", "\\u2192"])
def test_private_keys_with_line_numbers(arrow: str) -> None:
    """A tool shows a file with its line numbers; its writer may escape the arrow."""
    lines = "\\n".join(f"     {n}{arrow}{line}" for n, line in enumerate([BEGIN, *PEM, END], 1))
    redacted = json.loads(PLAIN.raw(f'{{"x": "{lines}"}}'.encode()))
    assert redacted == {"x": f"     1→{MARK}"}


def test_a_stream_of_tool_input_with_escapes() -> None:
    """The model's own JSON may be escaped too, and be cut anywhere."""
    text = in_string(everything, PROVIDERS["vault"])
    for size in (1, 3, 7):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        events = [{"type": "content_block_delta", "index": 0, "delta": {"partial_json": piece}} for piece in pieces]
        sse = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
        assert not PLAIN.is_clean(sse)
        lines = PLAIN.sse(sse).split(b"\n\n")[:-1]
        assert json.loads("".join(orjson.loads(line[6:])["delta"]["partial_json"] for line in lines)) == {"x": MARK}


@pytest.mark.parametrize("body", [b'{"a": "\\u001b[31m\\u0000 \\n \\" \\\\ caf\\u00e9"}', b"C:\\users\\name", b""])
def test_needed_escapes_are_no_reason_to_look_twice(body: bytes) -> None:
    """Control characters, quotes and letters of other languages stay as they are in the view."""
    assert view(body).text == body


PARTS = [
    "\\",
    "\\\\",
    "\\/",
    "\\u002B",
    "\\\\u0022",
    "\\u005c",
    "\\u2192",
    "\\u000a",
    "\\u001b",
    "n",
    '\\"',
    "a",
    "é",
    "/",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PARTS)).map("".join))
def test_the_view_is_the_same_json(text: str) -> None:
    """What is a string stays one, and every part of the view has its place in the text."""
    body = f'["{text}", "x"]'
    seen = view(body.encode())
    try:
        wanted: Any = json.loads(body)
    except ValueError:
        return
    assert len(json.loads(seen.text)) == len(wanted)
    at = 0
    for n in range(len(seen.text)):
        start, end = seen.span_before((n, n + 1))
        assert start in (at, seen.span_before((n - 1, n))[0] if n else 0)
        assert start < end <= len(body.encode())
        at = end
    assert at == len(body.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("tail", [b"", b"\x00"])
def test_wide_encodings(encoding: str, tail: bytes) -> None:
    """UTF-16 and UTF-32 are recognised by their mark or their NUL bytes, and come back in kind."""
    text = '{"a": "é🤖 ' + PROVIDERS["vault"] + ' \\u002B", "b": "\ud83d"}'
    body = text.encode(encoding, "surrogatepass") + tail
    wanted = text.replace(PROVIDERS["vault"], MARK).encode(encoding, "surrogatepass") + tail
    assert PLAIN.raw(body) == wanted
    assert PLAIN.raw(wanted) is wanted
    assert not PLAIN.is_clean(body)
    assert PLAIN.is_clean(wanted)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\0\0\0\0\0\xff", b"\0\0\0\x20ftypisom" * 9, b"\0", b"\0\0\0\0", b"\xff\xfe"]
)
def test_what_is_no_wide_text(body: bytes) -> None:
    """Other bytes that begin like it are looked through as they are."""
    secret = PROVIDERS["xai"].encode()
    assert PLAIN.raw(body) is body
    assert PLAIN.is_clean(body)
    if len(body) > 4:
        assert secret not in PLAIN.raw(body + b" " + secret + b" ")
