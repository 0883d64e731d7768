"""What the commands print with --json → its JSON Schema, as it is published in schema/asked.schema.json."""

import types
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from mitmclaude.library.searching import Hit
from mitmclaude.library.sessions import Session, Total
from mitmclaude.library.totals import BY, Drift, Totals
from mitmclaude.record.row import Row

_PLAIN: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    Decimal: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "description": "US dollars, exact"},
    type(None): {"type": "null"},
}
_RATE: Final = {
    "type": ["number", "null"],
    "description": "The part of the prompts' tokens that was read from the cache",
}


def schema() -> dict[str, Any]:
    """The schema: one of the answers, each with its version. A field may be added without a new version."""
    session = _object(Session, {"hit_rate": _RATE})
    total = _object(Total, {"hit_rate": _RATE})
    by = {name: {"type": ["string", "null"]} for name in BY}
    totals = _object(Totals, {"hit_rate": _RATE}, leave=("by",))
    totals["properties"] |= by
    agent = _fields(
        agent_id={"type": ["string", "null"]},
        total=total,
        calls={"type": "array", "items": {"$ref": "#/$defs/call"}},
        agents={"type": "array", "items": {"$ref": "#/$defs/agent"}},
    )
    report = _fields(
        by={"type": "array", "items": {"enum": list(BY)}},
        rows={"type": "array", "items": {"$ref": "#/$defs/totals"}},
        total={"anyOf": [{"$ref": "#/$defs/totals"}, {"type": "null"}]},
        drift={"type": "array", "items": _object(Drift)},
    )
    tree = _object(Session, {"hit_rate": _RATE, "agents": {"type": "array", "items": {"$ref": "#/$defs/agent"}}})
    answers = {
        "sessions": _answer(sessions={"type": "array", "items": {"$ref": "#/$defs/session"}}),
        "sessions ID": _answer(session=tree),
        "report": _answer(report=report),
        "search": _answer(hits={"type": "array", "items": {"$ref": "#/$defs/hit"}}, calls={"type": "integer"}),
        "sql": _answer(rows={"type": "array", "items": {"type": "object"}}),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What the commands of mitmclaude print with --json",
        "anyOf": [answer | {"title": f"mitmclaude {name} --json"} for name, answer in answers.items()],
        "$defs": {"agent": agent, "call": _object(Row), "hit": _object(Hit), "session": session, "totals": totals},
    }


def _answer(**fields: Any) -> dict[str, Any]:
    return _fields(version={"const": 1}, **fields)


def _fields(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _object(kind: type, more: dict[str, Any] | None = None, leave: Iterable[str] = ()) -> dict[str, Any]:
    fields = {name: _type(hint) for name, hint in get_type_hints(kind).items() if name not in leave}
    return _fields(**(fields | (more or {})))


def _type(hint: Any) -> dict[str, Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [_type(one) for one in get_args(hint)]}
    if get_origin(hint) is list:
        return {"type": "array", "items": _type(get_args(hint)[0])}
    return _PLAIN[hint]
