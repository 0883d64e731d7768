"""Which part of the API a request is for."""

import pytest

from mitmclaude import exchange
from mitmclaude.exchange import Chunk, arrivals, endpoint, is_probe
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


def test_arrivals() -> None:
    """The pace of an answer is a pair of bytes and milliseconds for each chunk."""
    assert arrivals([Chunk(0.5, b"abc"), Chunk(1.2345678, b"d")]) == [[3, 500.0], [1, 1234.568]]
    assert arrivals([]) == []


def test_arrivals_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many chunks the last pair has the rest, so that the bytes still add up."""
    monkeypatch.setattr(exchange, "MOST_ARRIVALS", 2)
    assert arrivals([Chunk(float(at), b"ab") for at in range(5)]) == [[2, 0.0], [8, 4000.0]]
