"""The record: what is kept of one exchange, as one JSON document of a versioned shape.

``schema/record.schema.json`` in the repository is its published JSON Schema. A record of an earlier version is read as
one of this version: `earlier.py` turns it into one.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_serializer, model_validator

from mitmclaude.cost import Cost
from mitmclaude.exchange import Endpoint
from mitmclaude.findings import Finding
from mitmclaude.platform import Invocation
from mitmclaude.record.earlier import upgraded
from mitmclaude.record.outcome import Outcome
from mitmclaude.record.timing import Timing
from mitmclaude.request.summary import Summary
from mitmclaude.usage import Usage

type HeaderList = list[tuple[str, str]]
"""Name and value, in order, duplicates kept, credentials redacted."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RequestPart(Summary):
    """The request; `path` as the client sent it, credentials redacted."""

    method: str
    path: str
    headers: HeaderList
    betas: tuple[str, ...] = ()
    bytes: int
    """Size of the body as it came, content-encoded."""
    sha256: str | None
    """Of the body as it came from the client."""
    sha256_sent: str | None
    """Of the body as it went upstream; None if it did not."""


class Unplaced(Frozen):
    """An event of the stream, or a part of one, that has no place in the message."""

    event: str
    """The type of the event."""
    data: Any
    """The event's object as it came, or the part of it; a text where it was not JSON."""


class ResponsePart(Frozen):
    """The answer, as far as it came."""

    status: int
    headers: HeaderList
    request_id: str | None = None
    bytes: int
    sha256: str | None
    """Of the body as it came from upstream."""
    sha256_sent: str | None
    """Of the body as it went to the client."""
    model: str | None = None
    """That answered."""
    stop_reason: str | None = None
    message: dict[str, Any] | None = None
    """The assembled message of a Messages answer; None where the content is not kept."""
    error: dict[str, Any] | None = None
    """The ``error`` object of an error answer or of an ``error`` event, redacted."""
    unplaced: tuple[Unplaced, ...] = ()
    """What has no place in the message, in order, redacted; the first of it, see `unplaced_left_out`."""
    unplaced_left_out: int = 0
    """How many more there were than `unplaced` holds."""


class Record(Frozen):
    """One request and whatever became of it."""

    version: Literal[2] = 2
    made_by: str | None = None
    """The version of mitmclaude that made it; None where it was made as version 1, which did not tell."""
    id: str
    """UUIDv7: sorts by the time of the request."""
    started_at: datetime
    endpoint: Endpoint
    principal: str | None = None
    client_name: str | None = None
    client_version: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    parent_agent_id: str | None = None
    outcome: Outcome
    failure: str | None = None
    """What the proxy said of a connection that failed."""
    request: RequestPart
    response: ResponsePart | None = None
    usage: Usage | None = None
    """As reported by the API: what it did not report is absent."""
    usage_is_partial: bool = False
    """The answer ended before its usage was final: output tokens and cost are a lower bound of what was used."""
    cost: Cost | None = None
    """None where the price is unknown: never 0 for that."""
    timing: Timing
    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()
    """What went wrong in making this record; the rest of it holds all the same."""
    invocation: Invocation | None = None
    """On AWS Lambda: the invocation that the request came in by."""
    flow: str | None = None
    """Key of the raw flow in the same store; None where it is not kept."""

    @model_validator(mode="before")
    @classmethod
    def _read_earlier(cls, value: Any) -> Any:
        return upgraded(value)

    @field_serializer("usage")
    def _as_reported(self, usage: Usage | None) -> dict[str, Any] | None:
        return usage.model_dump(mode="json", exclude_unset=True) if usage else None


def record_key(record_id: str, started_at: datetime) -> str:
    """Where a record lies in every store."""
    return f"records/date={started_at:%Y-%m-%d}/{record_id}.json"


def flow_key(record_id: str, started_at: datetime) -> str:
    """Where a raw flow lies in every store, compressed."""
    return f"flows/date={started_at:%Y-%m-%d}/{record_id}.mitm.zst"


def to_json(record: Record) -> bytes:
    """The stored form: compact UTF-8 JSON."""
    return record.model_dump_json().encode()
