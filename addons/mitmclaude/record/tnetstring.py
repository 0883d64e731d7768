"""Plain values → the tagged netstrings of a flow file. https://tnetstrings.info, with mitmproxy's ``;`` for text.

mitmproxy has its own writer, but it cannot be had without its proxy core, and it cannot begin with one item of an
object while the others are not known yet. A test compares the two.
"""

from collections.abc import Callable
from typing import Any


def dumps(value: Any) -> bytes:
    """`value` and all that it holds; ValueError for what a flow file cannot hold."""
    return _DUMPS[type(value)](value)


def item(key: str, value: Any) -> bytes:
    """One item of an object, to be put between `framed` and ``}``."""
    return dumps(key) + dumps(value)


def framed(size: int) -> bytes:
    """What stands before the items of an object that have `size` bytes in all; ``}`` stands after them."""
    return b"%d:" % size


def _tagged(content: bytes, tag: bytes) -> bytes:
    return b"%d:%b%b" % (len(content), content, tag)


def _list(values: list[Any] | tuple[Any, ...]) -> bytes:
    return _tagged(b"".join([_DUMPS[type(value)](value) for value in values]), b"]")


def _dict(values: dict[str, Any]) -> bytes:
    parts = [_DUMPS[type(part)](part) for pair in values.items() for part in pair]
    return _tagged(b"".join(parts), b"}")


class _Dumps(dict[type, Callable[[Any], bytes]]):
    """What writes a value of each type, or of a type derived from it."""

    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        for base in kind.__mro__:
            if base in self:
                return self[base]
        raise ValueError(f"a flow file cannot hold a {kind.__name__}")


_DUMPS = _Dumps(
    {
        bytes: lambda value: _tagged(value, b","),
        str: lambda value: _tagged(value.encode(), b";"),
        int: lambda value: _tagged(b"%d" % value, b"#"),
        float: lambda value: _tagged(repr(value).encode(), b"^"),
        bool: lambda value: b"4:true!" if value else b"5:false!",
        type(None): lambda _: b"0:~",
        list: _list,
        tuple: _list,
        dict: _dict,
    }
)
