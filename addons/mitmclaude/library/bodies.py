"""A raw flow, as mitmproxy writes it → the bodies of its request and its answer, without their content encoding.

The format is that of tnetstrings, with ``;`` for a text: a length, a colon, so many bytes, and a mark of the type.
"""

from typing import Any, Final, NamedTuple

import orjson

from mitmclaude import encoding
from mitmclaude.headers import Headers, content_encoding

LIMIT: Final = 256 * 1024 * 1024
"""Bytes of a decoded body."""


class Message(NamedTuple):
    """A request or an answer; `problem` tells what is wrong with a body that cannot be decoded to its end."""

    headers: Headers
    body: bytes | None
    """None where it is not kept."""
    problem: str = ""


class Bodies(NamedTuple):
    """The two halves of a flow."""

    request: Message
    response: Message | None


def bodies(flow: bytes) -> Bodies:
    """The bodies in a raw flow; ValueError where it is none."""
    state, rest = _value(memoryview(flow), 0)
    if not isinstance(state, dict) or rest != len(flow) or not isinstance(state.get("request"), dict):
        raise ValueError("not a flow of mitmproxy")
    response = state.get("response")
    return Bodies(_message(state["request"]), _message(response) if isinstance(response, dict) else None)


def payload(message: Message) -> dict[str, Any]:
    """The JSON object in a body; ValueError where there is none."""
    if message.body is None:
        raise ValueError("the body is not kept")
    try:
        value = orjson.loads(message.body)
    except orjson.JSONDecodeError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  it is of a value that came from elsewhere
    return value


def _message(state: dict[str, Any]) -> Message:
    headers: Headers = tuple((bytes(name), bytes(value)) for name, value in state.get("headers") or ())
    content = state.get("content")
    if content is None or (coding := content_encoding(headers)) == "identity":
        return Message(headers, content)
    try:
        decoder = encoding.Decoder(coding, LIMIT)
        plain = decoder.feed(content)
    except ValueError as error:
        return Message(headers, content, str(error))
    return Message(headers, plain, "" if decoder.finished or not content else f"the {coding} body is cut")


def _value(data: memoryview, at: int) -> tuple[Any, int]:
    """The value that begins at `at`, and where it ends."""
    digits = bytes(data[at : at + 13]).partition(b":")[0]
    if not digits.isdigit() or len(digits) > 12:
        raise ValueError("not a flow of mitmproxy")
    start = at + len(digits) + 1
    end = start + int(digits)
    if end >= len(data):
        raise ValueError("a flow that is cut off")
    kind, content = chr(data[end]), data[start:end]
    match kind:
        case ",":
            return bytes(content), end + 1
        case ";":
            return bytes(content).decode(), end + 1
        case "#":
            return int(bytes(content)), end + 1
        case "^":
            return float(bytes(content)), end + 1
        case "!":
            return bytes(content) == b"true", end + 1
        case "~":
            return None, end + 1
        case "]" | "}":
            values, inner = [], start
            while inner < end:
                value, inner = _value(data, inner)
                values.append(value)
            return (values if kind == "]" else dict(zip(values[::2], values[1::2], strict=True))), end + 1
        case _:
            raise ValueError("not a flow of mitmproxy")
