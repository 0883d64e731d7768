"""How deep the JSON may be nested that a record keeps: one bound, so that whatever is stored can be read again.

A text or a number has no level, ``[]`` one, ``[{}]`` two. pydantic reads a document of up to `READ` levels, and writes
more than that. A value that came is kept up to `MAX_DEPTH` levels, and the record puts at most `AROUND` around it: what
came as an unknown delta lies in ``response.message.content.0.unknown_deltas.0``.
"""

from typing import Any, Final

READ: Final = 200
AROUND: Final = 10
MAX_DEPTH: Final = READ - AROUND


def is_too_deep(value: Any) -> bool:
    """Whether a JSON value has more than `MAX_DEPTH` levels; takes time in proportion to its lists and objects."""
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
