"""A record of version 1 → the same record in the shape of version 2.

Version 1 had `request.hashes`, of another kind than those of version 2, and one for the whole system prompt, which
changed with every request of Claude Code: that one is left out. What version 1 did not have stays unknown, but for what
follows from the rest of it.
"""

from typing import Any


def upgraded(record: Any) -> Any:
    """The fields of `record` as version 2 has them; whatever is not a record of version 1 is given back as it is."""
    if not isinstance(record, dict) or record.get("version") != 1:
        return record
    request, response, timing = (_fields(record.get(name)) for name in ("request", "response", "timing"))
    message = _fields(response.get("message"))
    is_cut = timing.get("message_start") is not None and timing.get("message_stop") is None
    is_partial = is_cut and message.get("stop_reason") is None and record.get("usage") is not None
    later = {
        "version": 2,
        "usage_is_partial": is_partial,
        "request": {name: value for name, value in request.items() if name != "hashes"}
        | {"cache": _cache(_fields(request.get("hashes")))},
    }
    if response:
        later["response"] = response | {name: _text(message.get(name)) for name in ("model", "stop_reason")}
    if is_partial:
        later["timing"] = timing | {"output_tokens_per_second": None}
    return record | later


def _cache(hashes: dict[str, Any]) -> dict[str, Any]:
    return {
        "tools": [("", one) for one in _list(hashes.get("tools"))],
        "messages": _list(hashes.get("messages")),
    }


def _list(part: Any) -> list[Any]:
    return part if isinstance(part, list) else []


def _fields(part: Any) -> dict[str, Any]:
    return part if isinstance(part, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
