"""Headers as plain values."""

type Headers = tuple[tuple[bytes, bytes], ...]
"""Name and value as on the wire, in order, duplicates kept."""


def header(headers: Headers, name: bytes) -> str | None:
    """The first value of the header `name` (lower case), decoded as latin-1, or None."""
    for key, value in headers:
        if key.lower() == name:
            return value.decode("latin-1")
    return None
