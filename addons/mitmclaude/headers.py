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


def clipped(headers: Headers, fields: int, longest: int) -> Headers:
    """The first `fields` headers; in place of a name or a value over `longest` bytes stands how long it was.

    Nothing is cut in the middle: half a credential would no longer be known as one.
    """
    return tuple((_clip(name, longest), _clip(value, longest)) for name, value in headers[:fields])


def clipped_target(target: str, longest: int) -> str:
    """The target of a request; one of over `longest` characters loses its query, and if need be its path."""
    path = target.partition("?")[0]
    if len(target) <= longest:
        return target
    return f"{path}?[not-kept]" if len(path) <= longest else f"/[{len(target)}-characters-not-kept]"


def _clip(value: bytes, longest: int) -> bytes:
    return value if len(value) <= longest else b"[%d bytes, not kept]" % len(value)
