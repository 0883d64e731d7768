"""Headers as plain values."""

type Headers = tuple[tuple[bytes, bytes], ...]
"""Name and value as on the wire, in order, duplicates kept."""


def header(headers: Headers, name: bytes) -> str | None:
    """The first value of the header `name` (lower case), decoded as latin-1, or None."""
    for key, value in headers:
        if key.lower() == name:
            return value.decode("latin-1")
    return None


def content_encoding(headers: Headers) -> str:
    """The content encodings in the order in which they were applied, with commas between; ``identity`` for none."""
    values = [value.decode("latin-1") for name, value in headers if name.lower() == b"content-encoding"]
    return ",".join(values) or "identity"
