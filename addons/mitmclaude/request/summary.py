"""Reduce a request body to what a record keeps of it: settings, the new input, and hashes of the rest.

A conversation is sent again with every turn. The record keeps only the messages after the last assistant message; the
hashes in `Cache` let a session be rebuilt from its records and tell where a cached prefix changed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from mitmclaude.depth import is_too_deep
from mitmclaude.headers import Headers
from mitmclaude.request.cache import MOST, Cache, cached, items

INPUT_KEPT = 1024 * 1024
"""Bytes of JSON up to which a record holds the new input; a larger one, with many images say, is in the raw flow."""

LONGEST = 256
"""Characters kept of a model's name and its like."""

FIELDS = 16
"""Fields that `thinking` may have to be kept."""


class Summary(BaseModel):
    """What a record keeps of a request body; a field of another type than the API's is left out, not converted."""

    model_config = ConfigDict(frozen=True)

    model: str | None = None
    max_tokens: int | None = None
    stream: bool | None = None
    thinking: dict[str, str | int | bool | None] | None = None
    effort: str | None = None
    message_count: int = 0
    tool_count: int = 0
    cache: Cache = Cache()
    input: list[Any] | None = None
    """The messages after the last assistant message, redacted; None where they are not kept."""
    input_bytes: int = 0
    """Size of those messages as compact JSON."""


def summarise(body: Mapping[str, Any], betas: Iterable[str] = ()) -> Summary:
    """The summary of a parsed request body of any shape; `betas` are those of the request's headers."""
    messages, tools = items(body.get("messages")), items(body.get("tools"))
    config = body.get("output_config")
    cache, written = cached(body, betas)
    new = new_input(messages)
    new_written = written[len(messages) - len(new) :]
    input_bytes = sum(map(len, new_written))
    fits = (
        input_bytes <= INPUT_KEPT and len(messages) <= MOST and not is_too_deep(new, b"[%b]" % b",".join(new_written))
    )
    return Summary.model_construct(
        model=_short(body.get("model")),
        max_tokens=_only(int, body.get("max_tokens")),
        stream=_only(bool, body.get("stream")),
        thinking=_flat(body.get("thinking")),
        effort=_short(config.get("effort")) if isinstance(config, dict) else None,
        message_count=len(messages),
        tool_count=len(tools),
        cache=cache,
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
