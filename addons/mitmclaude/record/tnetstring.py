"""Plain values → the tagged netstrings of a flow file. https://tnetstrings.info, with mitmproxy's ``;`` for text.

mitmproxy has its own writer, but it cannot be had without its proxy core, and it cannot begin with one item of an
object while the others are not known yet. A test compares the two.
"""

from collections.abc import Iterable, Mapping
from typing import Any


def dumps(value: Any) -> bytes:
    """`value` and all that it holds; ValueError for what a flow file cannot hold."""
    parts: list[bytes] = []
    _put(parts, value)
    return b"".join(parts)


def item(key: str, value: Any) -> bytes:
    """One item of an object, to be put into `framed`."""
    return dumps(key) + dumps(value)


def framed(size: int) -> bytes:
    """What stands before the items of an object that have `size` bytes in all; ``}`` stands after them."""
    return b"%d:" % size


def _put(parts: list[bytes], value: Any) -> int:
    """Append `value` to `parts`; the bytes that it takes."""
    match value:
        case None:
            return _tagged(parts, b"", b"~")
        case bool():
            return _tagged(parts, b"true" if value else b"false", b"!")
        case int():
            return _tagged(parts, b"%d" % value, b"#")
        case float():
            return _tagged(parts, repr(value).encode(), b"^")
        case bytes():
            return _tagged(parts, value, b",")
        case str():
            return _tagged(parts, value.encode(), b";")
        case list() | tuple():
            return _nested(parts, value, b"]")
        case Mapping():
            return _nested(parts, (part for pair in value.items() for part in pair), b"}")
    raise ValueError(f"a flow file cannot hold a {type(value).__name__}")


def _tagged(parts: list[bytes], content: bytes, tag: bytes) -> int:
    before = b"%d:" % len(content)
    parts += (before, content, tag)
    return len(before) + len(content) + 1


def _nested(parts: list[bytes], values: Iterable[Any], tag: bytes) -> int:
    at = len(parts)
    parts.append(b"")
    size = sum([_put(parts, value) for value in values])
    parts[at] = b"%d:" % size
    parts.append(tag)
    return len(parts[at]) + size + 1
