"""A record → its row: what one lists and adds up by, flat and small.

The log line, the metrics, the attributes in DynamoDB and whatever reads many records share it. No text of a row is long
or has control characters, and a count is a number or None, whatever a peer has sent.
"""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:  # what reads many rows does without the models of the record, which take a while to import
    from mitmclaude.record.record import Record

LONGEST: Final = 256
"""Characters kept of a text."""

TOKENS: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
"""The counts that the API reports for every message, by the API's names."""


class Row(NamedTuple):
    """Times in seconds, sizes in bytes, money in US dollars; None where it is not known or does not apply."""

    id: str
    started_at: datetime
    made_by: str | None
    endpoint: str
    method: str
    path: str
    outcome: str
    status: int | None
    error_type: str | None
    failure: str | None
    """Why there is no answer of upstream: the message of a refusal of ours, or what the proxy said."""
    request_id: str | None
    principal: str | None
    client_name: str | None
    client_version: str | None
    session_id: str | None
    agent_id: str | None
    parent_agent_id: str | None
    model: str | None
    """That answered, else that was asked for."""
    stop_reason: str | None
    service_tier: str | None
    speed: str | None
    """``standard`` or ``fast``, as the usage has it."""
    stream: bool | None
    effort: str | None
    has_thinking: bool
    """Whether the request asks for thinking."""
    max_tokens: int | None
    message_count: int
    tool_count: int
    input_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_write_5m_tokens: int | None
    cache_write_1h_tokens: int | None
    cache_read_input_tokens: int | None
    output_tokens: int | None
    thinking_tokens: int | None
    web_searches: int | None
    usage_is_partial: bool
    """Whether the tokens and the cost are a lower bound."""
    cost_usd: Decimal | None
    first_byte: float | None
    ttft: float | None
    duration: float
    longest_gap: float | None
    output_tokens_per_second: float | None
    violations: int
    drift: int
    errors: int
    request_bytes: int
    response_bytes: int | None
    flow: str | None
    """Key of the raw flow."""


def row(record: "Record") -> Row:
    """The row of `record`."""
    from mitmclaude.usage import Usage

    request, response, usage, timing = record.request, record.response, record.usage or Usage(), record.timing
    write_5m, write_1h = usage.cache_writes or (None, None)
    details, tools = usage.output_tokens_details, usage.server_tool_use
    violations = sum(finding.kind == "violation" for finding in record.findings)
    return Row(
        id=_known(record.id),
        started_at=record.started_at,
        made_by=record.made_by,
        endpoint=record.endpoint,
        method=_known(request.method),
        path=_known(request.path),
        outcome=record.outcome,
        status=response.status if response else None,
        error_type=_text((response.error or {}).get("type")) if response else None,
        failure=_failure(record),
        request_id=_text(response.request_id) if response else None,
        principal=_text(record.principal),
        client_name=_text(record.client_name),
        client_version=_text(record.client_version),
        session_id=_text(record.session_id),
        agent_id=_text(record.agent_id),
        parent_agent_id=_text(record.parent_agent_id),
        model=(_text(response.model) if response else None) or _text(request.model),
        stop_reason=_text(response.stop_reason) if response else None,
        service_tier=_text(usage.service_tier),
        speed=_text(usage.speed),
        stream=request.stream,
        effort=_text(request.effort),
        has_thinking=(request.thinking or {}).get("type", "disabled") != "disabled",
        max_tokens=request.max_tokens,
        message_count=request.message_count,
        tool_count=request.tool_count,
        input_tokens=usage.input_tokens,
        cache_creation_input_tokens=usage.cache_write_tokens,
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        output_tokens=usage.output_tokens,
        thinking_tokens=details.thinking_tokens if details else None,
        web_searches=tools.web_search_requests if tools else None,
        usage_is_partial=record.usage_is_partial,
        cost_usd=record.cost.total if record.cost else None,
        first_byte=timing.first_byte,
        ttft=timing.ttft,
        duration=timing.duration,
        longest_gap=timing.longest_gap,
        output_tokens_per_second=timing.output_tokens_per_second,
        violations=violations,
        drift=len(record.findings) - violations,
        errors=len(record.errors),
        request_bytes=request.bytes,
        response_bytes=response.bytes if response else None,
        flow=record.flow,
    )


def _failure(record: "Record") -> str | None:
    refusal = record.response.error if record.response and record.outcome == "rejected" else None
    message = refusal.get("message") if refusal else None
    told = message if isinstance(message, str) else record.failure
    return _text(told.partition("\n")[0]) if told else None


def _known(text: str) -> str:
    return _text(text) or ""


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = value[:LONGEST]
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)
