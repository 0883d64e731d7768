"""The usage of a message → typed counts, just as they were reported. https://platform.claude.com/docs/en/api/messages

A field that was not reported stays unset, a null stays null: ``model_dump(exclude_unset=True)`` gives back what came.
A value of the wrong type, or a count that cannot be one, never raises: its field reads as None, and the value as it
came is in `misfits` and in what is dumped.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

Count = Annotated[int, Field(ge=0, le=2**53)]
"""Tokens or requests; 2**53 is where other JSON readers stop to be exact."""


class Reported(BaseModel):
    """A part of a usage; unknown fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    _misfits: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def misfits(self) -> Mapping[str, Any]:
        """The reported values that do not fit their field."""
        return self._misfits

    @model_validator(mode="wrap")
    @classmethod
    def _set_misfits_aside(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as e:
            if not isinstance(value, dict):
                raise
            names = {error["loc"][0] for error in e.errors(include_url=False, include_context=False)}
        reported = handler({name: part for name, part in value.items() if name not in names})
        reported._misfits = {name: part for name, part in value.items() if name in names}
        return reported

    @model_serializer(mode="wrap")
    def _with_misfits(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**handler(self), **self._misfits}


class CacheCreation(Reported):
    """Tokens written to the cache, by lifetime."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class OutputTokensDetails(Reported):
    """What output tokens were spent on."""

    thinking_tokens: Count | None = None


class ServerToolUse(Reported):
    """Requests of tools that the API runs."""

    web_search_requests: Count | None = None
    web_fetch_requests: Count | None = None


class Tokens(Reported):
    """The tokens of one sampling."""

    input_tokens: Count | None = None
    """Without what was read from the cache or written to it."""
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens: Count | None = None

    @property
    def total_input_tokens(self) -> int | None:
        """All tokens of the prompt: uncached, written to the cache and read from it; None if none are reported."""
        counts = [self.input_tokens, self.cache_write_tokens, self.cache_read_input_tokens]
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    @property
    def cache_write_tokens(self) -> int | None:
        """Tokens written to the cache: the total, else the sum by lifetime."""
        if self.cache_creation_input_tokens is not None or self.cache_creation is None:
            return self.cache_creation_input_tokens
        by_lifetime = (self.cache_creation.ephemeral_5m_input_tokens, self.cache_creation.ephemeral_1h_input_tokens)
        known = [count for count in by_lifetime if count is not None]
        return sum(known) if known else None

    @property
    def cache_writes(self) -> tuple[int, int] | None:
        """Tokens written to the cache for 5 minutes and for 1 hour; None if no write is reported.

        The total counts: message_delta brings it up to date, the split stays as message_start had it.
        """
        split, total = self.cache_creation, self.cache_creation_input_tokens
        if split is None and total is None:
            return None
        write_5m = (split and split.ephemeral_5m_input_tokens) or 0
        write_1h = (split and split.ephemeral_1h_input_tokens) or 0
        if total is not None:
            write_1h = min(write_1h, total) if write_5m else (write_1h and total)
            write_5m = total - write_1h
        return write_5m, write_1h


class Iteration(Tokens):
    """One sampling of a request that took several."""

    type: str | None = None
    """``message``, ``compaction``, ``advisor_message`` or ``fallback_message``."""
    model: str | None = None
    """Whose tokens these are, where that is not the model of the message."""


class Usage(Tokens):
    """All that a message reports; the counts at the top leave out compaction and advisor, `iterations` has them."""

    iterations: list[Iteration] | None = None
    output_tokens_details: OutputTokensDetails | None = None
    server_tool_use: ServerToolUse | None = None
    service_tier: str | None = None
    """``standard``, ``priority`` or ``batch``."""
    speed: str | None = None
    """``standard`` or ``fast``."""
    inference_geo: str | None = None
    fallback_credit: dict[str, Any] | None = None


def of(message: Mapping[str, Any] | None) -> Usage | None:
    """The usage of `message`; None if it reports none."""
    reported = message.get("usage") if message else None
    return Usage.model_validate(reported) if isinstance(reported, dict) else None


def of_count(answer: Mapping[str, Any] | None) -> Usage | None:
    """The answer of count_tokens, whose ``input_tokens`` stand at the top and are not charged, as a usage."""
    if not answer or "input_tokens" not in answer:
        return None
    return Usage.model_validate({"input_tokens": answer["input_tokens"]})
