"""Headers as values."""

from mitmclaude.headers import clipped, clipped_target


def test_clipped_headers() -> None:
    """Few are kept, and a long name or value is replaced whole, so that no half of a secret is left."""
    headers = ((b"a", b"1"), (b"n" * 20, b"2"), (b"c", b"v" * 11), (b"d", b"4"))
    assert clipped(headers, 3, 10) == ((b"a", b"1"), (b"[20 bytes, not kept]", b"2"), (b"c", b"[11 bytes, not kept]"))
    assert clipped(headers, 9, 20) == headers


def test_clipped_target() -> None:
    """A long query goes first, then a long path."""
    assert clipped_target("/v1/messages?a=b", 100) == "/v1/messages?a=b"
    assert clipped_target("/v1/messages?" + "q" * 100, 100) == "/v1/messages?[not-kept]"
    assert clipped_target("/" + "p" * 200, 100) == "/[201-characters-not-kept]"
