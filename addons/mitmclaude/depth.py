"""How deep the JSON may be nested that a record keeps: one bound, so that whatever is stored can be read again.

A text or a number has no level, ``[]`` one, ``[{}]`` two. pydantic reads a document of up to `READ` levels, and writes
more than that. A value that came is kept up to `MAX_DEPTH` levels; what the record puts around it has fewer than
`AROUND`.
"""

from typing import Any, Final

READ: Final = 200
AROUND: Final = 20
MAX_DEPTH: Final = READ - AROUND


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
