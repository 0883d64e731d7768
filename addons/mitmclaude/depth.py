"""How deep a JSON value may be nested where a record keeps it."""

from typing import Any, Final

MAX_DEPTH: Final = 180
"""Levels of nesting: a record adds up to seven of its own, and pydantic reads no JSON that is deeper than 200."""


def is_too_deep(value: Any, written: bytes) -> bool:
    """Whether `value` is nested deeper than MAX_DEPTH; `written` is its JSON, which mostly answers without a look."""
    if len(written) <= 2 * MAX_DEPTH:  # each level has two brackets
        return False
    return written.count(b"{") + written.count(b"[") > MAX_DEPTH and _is_deeper(value)


def _is_deeper(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
