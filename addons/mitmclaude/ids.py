"""Make identifiers: record ids (UUIDv7, https://www.rfc-editor.org/rfc/rfc9562#section-5.7) and request ids."""

import uuid


def uuid7(milliseconds: int, random: bytes) -> str:
    """A UUIDv7 that sorts by `milliseconds` (since the Unix epoch); `random` holds at least 10 bytes."""
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(random[:10], "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def request_id(random: bytes) -> str:
    """An id in the form of the API's own; Claude Code takes a 400 without one for a refused encoding."""
    return "req_mitm" + random[:10].hex()
