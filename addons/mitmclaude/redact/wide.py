"""Bodies in UTF-16 or UTF-32 → their text in UTF-8, and back.

Recognised by a byte order mark, or by where the NUL bytes of the first two characters stand
(https://www.rfc-editor.org/rfc/rfc4627#section-3): a body in UTF-8 has none.
"""

_UTF8 = ("utf-8", "surrogatepass")
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_BY_NULS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}


def encoding_of(b: bytes) -> str | None:
    """The name of the encoding of `b` if it has characters of two or four bytes."""
    for mark, encoding in _MARKS:
        if b.startswith(mark):
            return encoding
    return _BY_NULS.get(tuple(c == 0 for c in b[:4]))


def decoded(b: bytes, encoding: str) -> tuple[bytes, bytes] | None:
    """The text in UTF-8, a byte order mark included, and what follows its last whole character; None if it is none."""
    width = 4 if "32" in encoding else 2
    whole = len(b) - len(b) % width
    try:
        return b[:whole].decode(encoding, "surrogatepass").encode(*_UTF8), b[whole:]
    except UnicodeDecodeError:
        return None


def encoded(text: bytes, encoding: str) -> bytes:
    """The other way round."""
    return text.decode(*_UTF8).encode(encoding, "surrogatepass")
