"""A record of version 1 → the same record in the shape of version 2.

Version 1 had `request.hashes`, of another kind than those of version 2, and one for the whole system prompt, which
changed with every request of Claude Code: it is left out. What version 1 did not have stays unknown.
"""

from typing import Any


def upgraded(record: Any) -> Any:
    """The fields of `record` as version 2 has them; whatever is not a record of version 1 is given back as it is."""
    if not isinstance(record, dict) or record.get("version") != 1:
        return record
    request = record.get("request")
    if isinstance(request, dict):
        kept = {name: value for name, value in request.items() if name != "hashes"}
        request = {**kept, "cache": _cache(request.get("hashes"))}
    return {**record, "version": 2, "request": request}


def _cache(hashes: Any) -> dict[str, Any]:
    if not isinstance(hashes, dict):
        return {}
    return {
        "tools": [("", one) for one in hashes.get("tools") or ()],
        "messages": hashes.get("messages") or (),
    }
