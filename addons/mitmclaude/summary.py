"""Reduce a request body to what a record keeps of it: settings, the new input, and hashes of the rest.

A conversation is sent again with every turn. The record keeps only the messages after the last assistant message;
a short hash for each message, each tool and the system prompt, in order, lets a session be rebuilt from its records
and tells where a cached prefix changed. ``cache_control`` is left out of the hashes: it moves along with the
conversation while the content it marks stays the same.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from mitmclaude.exchange import Headers

HASH_BYTES = 8

INPUT_KEPT = 1024 * 1024
"""Bytes of JSON up to which a record holds the new input; a larger one, with many images say, is in the raw flow."""


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
    thinking: Any = None
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
    encoded = [_encoded(message) for message in messages]
    new = new_input(messages)
    input_bytes = sum(map(len, encoded[len(messages) - len(new) :]))
    return Summary(
        model=_only(str, body.get("model")),
        max_tokens=_only(int, body.get("max_tokens")),
        stream=_only(bool, body.get("stream")),
        thinking=body.get("thinking"),
        effort=_only(str, config.get("effort")) if isinstance(config, dict) else None,
        message_count=len(messages),
        tool_count=len(tools),
        hashes=Hashes(
            system=_hash(orjson.dumps(_uncached(body["system"]))) if body.get("system") else None,
            tools=tuple(_hash(orjson.dumps(_without_cache_control(tool))) for tool in tools),
            messages=tuple(map(_hash, encoded)),
        ),
        input=new if input_bytes <= INPUT_KEPT else None,
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


def _encoded(message: Any) -> bytes:
    if isinstance(message, dict) and "content" in message:
        message = {**message, "content": _uncached(message["content"])}
    return orjson.dumps(message)


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
