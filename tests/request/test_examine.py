"""Examining request bodies."""

import gzip

import pytest

from mitmclaude.encoding import TooLargeError
from mitmclaude.request.examine import DECODED, examine, parse_and_check
from mitmclaude.request.summary import Summary

GOOD = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
GZIP = ((b"content-encoding", b"gzip"),)


def test_a_good_body() -> None:
    """A good body has no findings, compressed or not."""
    for headers, raw in (((), GOOD), (GZIP, gzip.compress(GOOD))):
        examined = parse_and_check("messages", headers, raw, "enforce", DECODED)
        assert examined.findings == ()
        assert examined.body["model"] == "m"


def test_off_finds_nothing_but_still_reads() -> None:
    """With validation off a body is parsed for its record and not checked."""
    assert parse_and_check("messages", (), b'{"model":5}', "off", DECODED).body == {"model": 5}
    assert parse_and_check("messages", (), b"{", "off", DECODED).findings == ()


@pytest.mark.parametrize(("headers", "raw"), [((), GOOD), (GZIP, gzip.compress(b" " * 100_000))])
def test_too_large(headers: tuple[tuple[bytes, bytes], ...], raw: bytes) -> None:
    """The limit counts decoded bytes."""
    with pytest.raises(TooLargeError):
        parse_and_check("messages", headers, raw, "enforce", 50)


def test_examine_refuses_what_is_too_large_even_for_it() -> None:
    """Out of the proxy's process the larger limit holds, and going over it is a violation."""
    findings, summary, _ = examine("messages", GZIP, gzip.compress(b" " * (DECODED + 1)), "enforce")
    assert [finding.kind for finding in findings] == ["violation"]
    assert summary == Summary()


def test_examine_does_it_all() -> None:
    """Findings, summary and session of one body."""
    findings, summary, session = examine("messages", ((b"x-claude-code-session-id", b"s"),), GOOD, "enforce")
    assert (findings, summary.model, session.session_id) == ((), "m", "s")
