"""Examining request bodies."""

import pytest

from mitmclaude.request import examine as module
from mitmclaude.request.examine import examine

GOOD = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'


def test_a_good_body() -> None:
    """A good body has no findings, and comes parsed."""
    examined = examine("messages", GOOD, "enforce")
    assert examined.findings == ()
    assert examined.body["model"] == "m"


def test_off_finds_nothing_but_still_reads() -> None:
    """With validation off a body is parsed for its record and not checked."""
    assert examine("messages", b'{"model":5}', "off").body == {"model": 5}
    assert examine("messages", b"{", "off").findings == ()


def test_what_cannot_be_read_is_a_violation() -> None:
    """A body that is no JSON, or no object, has one finding and nothing parsed."""
    for body in (b"{", b"[1]", b""):
        examined = examine("messages", body, "observe")
        assert [finding.kind for finding in examined.findings] == ["violation"]
        assert examined.body == {}


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body over the limit is a violation, and is not parsed."""
    monkeypatch.setattr(module, "LONGEST", 50)
    assert examine("messages", GOOD, "enforce").findings[0].message == "the body has 72 bytes, the limit is 50"
