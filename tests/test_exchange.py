"""Which part of the API a request is for."""

import pytest

from mitmclaude.exchange import endpoint, is_probe
from mitmclaude.headers import header


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/messages?beta=true", "messages"),
        ("POST", "/team-a/v1/messages", "messages"),
        ("POST", "/v1/messages/", "messages"),
        ("POST", "/v1/%6dessages", "messages"),
        ("POST", "/v1/messages/count_tokens?beta=true", "count_tokens"),
        ("GET", "/v1/models?limit=1000", "models"),
        ("GET", "/v1/models/claude-opus-5-5", "models"),
        ("GET", "/v1/messages", "other"),
        ("POST", "/v1/messages/batches", "other"),
        ("POST", "/v1/files", "other"),
        ("POST", "/x?y=/v1/messages", "other"),
    ],
)
def test_endpoint(method: str, path: str, expected: str) -> None:
    """The method and the end of the path decide, whatever prefix and query there are."""
    assert endpoint(method, path) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("HEAD", "/", True),
        ("HEAD", "/api/hello", True),
        ("HEAD", "/team-a/api/hello", True),
        ("GET", "/api/hello", False),
        ("HEAD", "/v1/models", False),
    ],
)
def test_is_probe(method: str, path: str, expected: bool) -> None:
    """Only Claude Code's connectivity probes are probes."""
    assert is_probe(method, path) is expected


def test_header_takes_the_first() -> None:
    """Names match in any case; the first value counts."""
    assert header(((b"A", b"1"), (b"a", b"2")), b"a") == "1"
    assert header((), b"a") is None
