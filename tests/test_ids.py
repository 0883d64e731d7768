"""Identifiers."""

import re
import uuid

from mitmclaude import ids


def test_uuid7_is_one_and_sorts_by_time() -> None:
    """The id has version 7, its time in front, and sorts with it."""
    early, late = ids.uuid7(1_700_000_000_000, b"\xff" * 10), ids.uuid7(1_700_000_000_001, b"\x00" * 10)
    assert uuid.UUID(early).version == 7
    assert uuid.UUID(early).variant == uuid.RFC_4122
    assert int(early.replace("-", "")[:12], 16) == 1_700_000_000_000
    assert early < late


def test_request_id_has_the_form_of_the_api() -> None:
    """Claude Code recognises an answer of the API by a request id that begins with req_."""
    assert re.fullmatch(r"req_mitm[0-9a-f]{20}", ids.request_id(bytes(10)))
