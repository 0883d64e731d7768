"""Reduce a request body to what a record keeps of it: settings, the new input, and hashes of the rest.

A conversation is sent again with every turn. The record keeps only the messages after the last assistant message;
a short hash for each message, each tool and the system prompt, in order, lets a session be rebuilt from its records
and tells where a cached prefix changed. ``cache_control`` is left out of the hashes: it moves along with the
conversation while the content it marks stays the same.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from mitmclaude.depth import is_too_deep
from mitmclaude.headers import Headers

HASH_BYTES = 8

INPUT_KEPT = 1024 * 1024
"""Bytes of JSON up to which a record holds the new input; a larger one, with many images say, is in the raw flow."""

MOST = 100_000
"""Messages and tools that are hashed; the API takes no more messages than that."""

LONGEST = 256
"""Characters kept of a model's name and its like."""

FIELDS = 16
"""Fields that `thinking` may have to be kept."""


class Hashes(BaseModel):
    """Hex digests of 8 bytes (BLAKE2b over compact JSON), in the order of the request."""

    model_config = ConfigDict(frozen=True)

    system: str | None = None
    tools: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


class Summary(BaseModel):
    """What a record tells of a request body; a field of another type than the API's is left out, not converted."""

    model_config = ConfigDict(frozen=True)

    model: str | None = None
    max_tokens: int | None = None
    stream: bool | None = None
    thinking: dict[str, str | int | bool | None] | None = None
    effort: str | None = None
    message_count: int = 0
    tool_count: int = 0
    hashes: Hashes = Hashes()
    input: list[Any] | None = None
    """The messages after the last assistant message, redacted; None where they are not kept."""
    input_bytes: int = 0
    """Size of those messages as compact JSON."""


def summarise(body: Mapping[str, Any]) -> Summary:
    """The summary of a parsed request body of any shape."""
    messages, tools = _list(body.get("messages")), _list(body.get("tools"))
    config = body.get("output_config")
    encoded = [_encoded(_uncached_message(message)) for message in messages[:MOST]]
    new = new_input(messages)
    new_encoded = encoded[len(messages) - len(new) :]
    input_bytes = sum(map(len, new_encoded))
    fits = input_bytes <= INPUT_KEPT and len(messages) <= MOST and not is_too_deep(new)
    return Summary(
        model=_short(body.get("model")),
        max_tokens=_only(int, body.get("max_tokens")),
        stream=_only(bool, body.get("stream")),
        thinking=_flat(body.get("thinking")),
        effort=_short(config.get("effort")) if isinstance(config, dict) else None,
        message_count=len(messages),
        tool_count=len(tools),
        hashes=Hashes(
            system=_hash(_encoded(_uncached(body["system"]))) if body.get("system") else None,
            tools=tuple(_hash(_encoded(_without_cache_control(tool))) for tool in tools[:MOST]),
            messages=tuple(map(_hash, encoded)),
        ),
        input=new if fits else None,
        input_bytes=input_bytes,
    )


def new_input(messages: list[Any]) -> list[Any]:
    """The messages after the last assistant message: what this request adds to the conversation."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, dict) and message.get("role") == "assistant":
            return messages[index + 1 :]
    return messages


def betas(headers: Headers) -> tuple[str, ...]:
    """The names in the ``anthropic-beta`` headers, in order."""
    values = (value.decode("latin-1") for name, value in headers if name.lower() == b"anthropic-beta")
    return tuple(beta.strip() for value in values for beta in value.split(",") if beta.strip())


def _uncached_message(message: Any) -> Any:
    if isinstance(message, dict) and "content" in message:
        return {**message, "content": _uncached(message["content"])}
    return message


def _encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # nested deeper than orjson writes, though not than it reads
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _uncached(content: Any) -> Any:
    if isinstance(content, list):
        return [_without_cache_control(block) for block in content]
    return content


def _without_cache_control(block: Any) -> Any:
    if isinstance(block, dict) and "cache_control" in block:
        return {key: value for key, value in block.items() if key != "cache_control"}
    return block


def _hash(encoded: bytes) -> str:
    return blake2b(encoded, digest_size=HASH_BYTES).hexdigest()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _only[T](kind: type[T], value: Any) -> T | None:
    return value if type(value) is kind else None


def _short(value: Any) -> str | None:
    return value[:LONGEST] if isinstance(value, str) else None


def _flat(value: Any) -> dict[str, str | int | bool | None] | None:
    """The plain fields of a small object."""
    if not isinstance(value, dict) or len(value) > FIELDS:
        return None
    plain = {key: item for key, item in value.items() if item is None or isinstance(item, str | int)}
    return {key[:LONGEST]: item[:LONGEST] if isinstance(item, str) else item for key, item in plain.items()}
