"""What mitmproxy answers by itself comes in the API's error shape."""

import json
import socket
from pathlib import Path

from tests.e2e.proxy import running
from tests.e2e.wire import Answer, call
from tests.upstream import serving

BODY = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x" * 2000}]}).encode()


def assert_error(answer: Answer, status: int, kind: str) -> None:
    assert answer.status == status
    assert answer.header("content-type") == "application/json"
    body = json.loads(answer.body)
    assert body["type"] == "error"
    assert body["error"]["type"] == kind
    assert body["error"]["message"].startswith("mitmclaude: ")
    assert body["request_id"] == answer.header("request-id")


def test_unreachable(tmp_path: Path) -> None:
    """Nothing listens upstream: 502, and a record that says why."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(f"http://127.0.0.1:{port}", tmp_path) as proxy:
        assert_error(call(proxy.port, "POST", "/v1/messages", [], BODY), 502, "api_error")
        record = proxy.record()
        assert record["outcome"] == "unreachable"
        assert "Connect call failed" in record["failure"]


def test_tls_failure(tmp_path: Path) -> None:
    """Upstream shows a certificate that nobody vouches for: 502, and no byte of the request went there."""
    with serving(tls=True) as upstream, running(upstream.url, tmp_path) as proxy:
        assert_error(call(proxy.port, "POST", "/v1/messages", [], BODY), 502, "api_error")
        assert proxy.record()["outcome"] == "unreachable"
        assert upstream.requests == []


def test_body_over_the_limit(tmp_path: Path) -> None:
    """A body over mitmproxy's `body_size_limit`: 413, recorded as rejected."""
    with serving() as upstream, running(upstream.url, tmp_path, "--set", "body_size_limit=1k") as proxy:
        assert_error(call(proxy.port, "POST", "/v1/messages", [], BODY), 413, "request_too_large")
        assert proxy.record()["outcome"] == "rejected"
        assert upstream.requests == []
