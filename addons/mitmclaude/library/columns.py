"""The stored form of a record → the columns that the library keeps of it: its row, its texts, and the rest.

This is the same row as `mitmclaude.record.row` makes, without the models, which take five times as long. Whatever is
not as mitmclaude writes it goes through the models all the same.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, get_args, get_type_hints

import orjson

from mitmclaude.library.texts import texts
from mitmclaude.library.titles import title
from mitmclaude.record.earlier import upgraded
from mitmclaude.record.row import LONGEST, Row

_SQL: Final[dict[type, str]] = {
    str: "VARCHAR",
    datetime: "TIMESTAMPTZ",
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE",
    Decimal: "DECIMAL(38,18)",
}


def _type(hint: Any) -> str:
    return _SQL[next((one for one in get_args(hint) if one is not type(None)), hint)]


CALLS: Final[dict[str, str]] = {name: _type(hint) for name, hint in get_type_hints(Row).items()}
"""Name and SQL type of each column of a row, in the order of `Row`."""

KEPT: Final[dict[str, str]] = {
    "title": "VARCHAR",
    "retry": "BIGINT",
    "prompt": "VARCHAR",
    "answer": "VARCHAR",
    "tool": "VARCHAR",
    "findings": "VARCHAR",
    "key": "VARCHAR",
    "stamp": "VARCHAR",
    "input": "VARCHAR",
    "message": "VARCHAR",
    "rest": "VARCHAR",
}
"""What is kept beside the row. Title: the first prompt of a person in it. Retry: how often the client had tried before,
as it tells. Prompt, answer, tool: the texts that one searches. Findings, input, message: JSON, null where
there is none. Key and stamp: where the record lies and which state of it this is. Rest: JSON of the record with null in
the place of input and message."""

COLUMNS: Final = CALLS | KEPT

LARGEST: Final = 2**63
"""A number at or beyond it has no column; no field that mitmclaude makes has one."""

_COUNTED: Final = 2**53
_ENDPOINTS: Final = frozenset({"messages", "count_tokens", "models", "other"})
_OUTCOMES: Final = frozenset(
    {"complete", "api_error", "stream_error", "truncated", "client_aborted", "unreachable", "rejected", "shutdown"}
)
_MONEY: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
_EMPTY: Final[dict[str, Any]] = {}


class Unusual(Exception):  # noqa: N818  it is no error
    """A record that this module leaves to the models."""


def columns(content: bytes) -> dict[str, Any]:
    """The columns of a record but for `key` and `stamp`, as JSON has them: times and money are texts.

    Raises Unusual for what is not as mitmclaude writes it.
    """
    try:
        record = orjson.loads(content)
        if record["version"] != 2:
            record = upgraded(record)
            content = orjson.dumps(record)
        return _row(record) | _kept(record, content)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Unusual from error


def of_row(row: Row, content: bytes) -> dict[str, Any]:
    """The same of a record that was read by the models."""
    told = row._asdict()
    return {name: _json(name, told[name]) for name in CALLS} | _kept(orjson.loads(content), content)


def joined(rest: str, asked: str | None, message: str | None) -> bytes:
    """The record again, as JSON."""
    record = orjson.loads(rest)
    if asked is not None:
        record["request"]["input"] = orjson.loads(asked)
    if message is not None:
        record["response"]["message"] = orjson.loads(message)
    return orjson.dumps(record)


def _json(name: str, value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat() if value.tzinfo else f"{value.isoformat()}Z"
        case Decimal():
            return format(value, "f")
        case int() if CALLS[name] == "BIGINT" and not -LARGEST <= value < LARGEST:
            return None
    return value


def _row(record: dict[str, Any]) -> dict[str, Any]:
    request, timing = record["request"], record["timing"]
    response, usage, cost = record["response"], record["usage"] or _EMPTY, record["cost"]
    findings, outcome, endpoint = record["findings"], record["outcome"], record["endpoint"]
    if record["version"] != 2 or outcome not in _OUTCOMES or endpoint not in _ENDPOINTS:
        raise Unusual
    answered = response or _EMPTY
    error, thinking = answered.get("error") or _EMPTY, request["thinking"] or _EMPTY
    written, written_5m, written_1h = _writes(usage)
    answering, asked_for = _text(answered["model"]) if response else None, _text(request["model"])
    violations = sum([one["kind"] == "violation" for one in findings])
    return {
        "id": _known(record["id"]),
        "started_at": _time(record["started_at"]),
        "made_by": _free(record.get("made_by")),
        "endpoint": endpoint,
        "method": _known(request["method"]),
        "path": _known(request["path"]),
        "outcome": outcome,
        "status": _integer(answered["status"]) if response else None,
        "error_type": _any_text(error.get("type")),
        "failure": _failure(record, error if outcome == "rejected" else _EMPTY),
        "request_id": _text(answered["request_id"]) if response else None,
        "principal": _text(record["principal"]),
        "client_name": _text(record["client_name"]),
        "client_version": _text(record["client_version"]),
        "session_id": _text(record["session_id"]),
        "agent_id": _text(record["agent_id"]),
        "parent_agent_id": _text(record["parent_agent_id"]),
        "model": answering or asked_for,
        "stop_reason": _text(answered["stop_reason"]) if response else None,
        "service_tier": _any_text(usage.get("service_tier")),
        "speed": _any_text(usage.get("speed")),
        "stream": _flag(request["stream"]),
        "effort": _text(request["effort"]),
        "has_thinking": thinking.get("type", "disabled") != "disabled",
        "max_tokens": _integer(request["max_tokens"]),
        "message_count": _integer(request["message_count"]),
        "tool_count": _integer(request["tool_count"]),
        "input_tokens": _count(usage.get("input_tokens")),
        "cache_creation_input_tokens": written,
        "cache_write_5m_tokens": written_5m,
        "cache_write_1h_tokens": written_1h,
        "cache_read_input_tokens": _count(usage.get("cache_read_input_tokens")),
        "output_tokens": _count(usage.get("output_tokens")),
        "thinking_tokens": _count_in(usage.get("output_tokens_details"), "thinking_tokens"),
        "web_searches": _count_in(usage.get("server_tool_use"), "web_search_requests"),
        "usage_is_partial": _flag(record["usage_is_partial"]),
        "cost_usd": _money(cost["total"]) if cost else None,
        "first_byte": _seconds(timing["first_byte"]),
        "ttft": _seconds(timing["ttft"]),
        "duration": _seconds(timing["duration"]),
        "longest_gap": _seconds(timing["longest_gap"]),
        "output_tokens_per_second": _seconds(timing["output_tokens_per_second"]),
        "violations": violations,
        "drift": len(findings) - violations,
        "errors": len(record["errors"]),
        "request_bytes": _integer(request["bytes"]),
        "response_bytes": _integer(answered["bytes"]) if response else None,
        "flow": _free(record["flow"]),
    }


def _kept(record: dict[str, Any], content: bytes) -> dict[str, Any]:
    request, response, findings = record["request"], record["response"], record["findings"]
    asked = request["input"]
    message = response["message"] if response else None
    prompt, answer, tool = texts(asked, message)
    rest, written = content, (_written(asked), _written(message))
    for name, part in zip((b'"input":', b'"message":'), written, strict=True):
        if part and rest:
            rest = rest.replace(name + part, name + b"null", 1) if rest.count(name + part) == 1 else b""
    return {
        "title": title(asked),
        "retry": _retry(request["headers"]),
        "prompt": prompt,
        "answer": answer,
        "tool": tool,
        "findings": orjson.dumps(findings).decode() if findings else None,
        "input": written[0].decode() or None,
        "message": written[1].decode() or None,
        "rest": (rest or _without_texts(record)).decode(),  # where it is spaced, or a number is written another way
    }


def _written(part: Any) -> bytes:
    return b"" if part is None else orjson.dumps(part)


def _retry(headers: list[list[str]]) -> int | None:
    for name, value in headers:
        if name.lower() == "x-stainless-retry-count":
            return int(value) if value.isdecimal() and len(value) < 5 else None
    return None


def _without_texts(record: dict[str, Any]) -> bytes:
    rest = record | {"request": record["request"] | {"input": None}}
    if record["response"]:
        rest["response"] = record["response"] | {"message": None}
    return orjson.dumps(rest)


def _writes(usage: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Tokens written to the cache, and those for 5 minutes and for 1 hour; see `mitmclaude.usage`."""
    total, split = _count(usage.get("cache_creation_input_tokens")), usage.get("cache_creation")
    if type(split) is not dict:
        return (total, None, None) if total is None else (total, total, 0)
    known_5m, known_1h = _count(split.get("ephemeral_5m_input_tokens")), _count(split.get("ephemeral_1h_input_tokens"))
    write_5m, write_1h = known_5m or 0, known_1h or 0
    if total is None:
        return (None if known_5m is None and known_1h is None else write_5m + write_1h), write_5m, write_1h
    write_1h = min(write_1h, total) if write_5m else (write_1h and total)
    return total, total - write_1h, write_1h


def _failure(record: dict[str, Any], refusal: dict[str, Any]) -> str | None:
    message = refusal.get("message")
    told = message if type(message) is str else record["failure"]
    if not told:
        return None
    return _text(told.partition("\n")[0])


def _time(value: Any) -> str:
    if type(value) is not str or datetime.fromisoformat(value).tzinfo is None:
        raise Unusual
    return value


def _money(value: Any) -> str:
    if type(value) is not str or not _MONEY.fullmatch(value):
        raise Unusual
    return value


def _seconds(value: Any) -> float | None:
    if value is None or type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise Unusual


def _integer(value: Any) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not -LARGEST <= value < LARGEST:
        raise Unusual
    return value


def _flag(value: Any) -> bool | None:
    if value is None or type(value) is bool:
        return value
    raise Unusual


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _COUNTED else None


def _count_in(part: Any, name: str) -> int | None:
    return _count(part.get(name)) if type(part) is dict else None


def _known(value: Any) -> str:
    if not value:
        raise Unusual
    return _text(value) or ""


def _free(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    raise Unusual


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if type(value) is not str:
        raise Unusual
    return _any_text(value)


def _any_text(value: Any) -> str | None:
    if type(value) is not str:
        return None
    text = value[:LONGEST]
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)
