"""The real Claude Code CLI notices no difference: what it prints and how often it asks, with and without the proxy."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude import CLAUDE, KEY, claude
from tests.e2e.proxy import Proxy, Record
from tests.e2e.wire import Headers, end_to_end
from tests.upstream import Received, Upstream

# What differs from run to run; all else that the CLI prints is compared.
VARYING = {"session_id", "uuid", "timestamp", "request_id", "messaging_socket_path"}

pytestmark = pytest.mark.skipif(not CLAUDE.is_file(), reason="this platform's claude-agent-sdk bundles no CLI")


def comparable(value: Any) -> Any:
    """What was printed, without what differs from run to run."""
    if isinstance(value, dict):
        return {k: comparable(v) for k, v in value.items() if k not in VARYING and not k.endswith("_ms")}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    return (
        re.sub(r"127\.0\.0\.1:\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", value)
        if isinstance(value, str)
        else value
    )


def shape(request: Received) -> tuple[str, str, list[str], Any]:
    """What two runs of the same prompt have in common in a request: all but ids, dates and lengths."""
    pairs: Headers = [(name.decode(), value.decode()) for name, value in request.headers]
    names = [name for name, _ in end_to_end(pairs)]
    return request.method, request.target, names, skeleton(request.payload)


def skeleton(value: Any) -> Any:
    """The keys, types and order of a JSON value."""
    if isinstance(value, dict):
        return [(key, skeleton(part)) for key, part in value.items()]
    return [skeleton(part) for part in value] if isinstance(value, list) else type(value).__name__


def assert_recorded(record: Record, request: Received, session: str) -> None:
    """A good record of a good call of the CLI."""
    assert [f for f in record["findings"] if f["kind"] == "violation"] == []
    assert record["errors"] == []
    assert record["outcome"] == "complete"
    assert record["request"]["sha256"] == record["request"]["sha256_sent"] == hashlib.sha256(request.body).hexdigest()
    assert record["request"]["stream"] is True
    assert record["session_id"] == session
    assert record["usage"]["input_tokens"] == 25
    assert record["cost"] is not None
    assert KEY not in json.dumps(record)


def test_a_prompt(proxy: Proxy, upstream: Upstream, tmp_path: Path) -> None:
    """`claude -p hello` prints the same through the proxy, sends the same, leaves one record, no violation."""
    direct = claude(upstream, upstream.port, tmp_path, "hello")
    proxied = claude(upstream, proxy.port, tmp_path, "hello")
    assert proxied.code == direct.code == 0
    assert proxied.result["result"] == "Hello from the fake upstream. [FAKE-OK]"
    assert comparable(proxied.printed) == comparable(direct.printed)
    assert [shape(r) for r in proxied.requests] == [shape(r) for r in direct.requests]
    (request,) = proxied.requests
    record = proxy.record()
    assert_recorded(record, request, proxied.result["session_id"])
    assert float(record["cost"]["total"]) == pytest.approx(proxied.result["total_cost_usd"])  # by the CLI's own prices


def test_a_tool_round(proxy: Proxy, upstream: Upstream, tmp_path: Path) -> None:
    """A turn with a tool call is two requests and two records of one session; the tool's result is in the second."""
    secret = tmp_path / "note.txt"
    secret.write_text("the-word-in-the-file\n")
    upstream.default = ("text_tool_use", {"tool": "Read", "file_path": str(secret)})
    arguments = ("read the note", "--allowedTools", "Read", "--add-dir", str(tmp_path))
    direct = claude(upstream, upstream.port, tmp_path, *arguments)
    proxied = claude(upstream, proxy.port, tmp_path, *arguments)
    assert proxied.result["result"] == direct.result["result"] == "The tool answered. [TOOL-OK]"
    assert comparable(proxied.printed) == comparable(direct.printed)
    assert [shape(r) for r in proxied.requests] == [shape(r) for r in direct.requests]
    assert b"the-word-in-the-file" in proxied.requests[1].body
    records = proxy.records(2)
    for record, request in zip(records, proxied.requests, strict=True):
        assert_recorded(record, request, proxied.result["session_id"])
    assert [block["type"] for block in records[0]["response"]["message"]["content"]] == ["text", "tool_use"]
    assert "the-word-in-the-file" in json.dumps(records[1]["request"]["input"])


def test_thinking(proxy: Proxy, upstream: Upstream, tmp_path: Path) -> None:
    """A thinking answer, which the CLI sends back with its signature, comes through."""
    upstream.default = ("thinking", {})
    direct = claude(upstream, upstream.port, tmp_path, "think")
    proxied = claude(upstream, proxy.port, tmp_path, "think")
    assert comparable(proxied.printed) == comparable(direct.printed)
    record = proxy.record()
    assert [block["type"] for block in record["response"]["message"]["content"]] == ["thinking", "text"]


@pytest.mark.parametrize(
    ("scenario", "params"),
    [
        ("error_400", {}),
        ("error_dlp_400", {}),
        ("error_429", {"retry_after": 0}),
        ("error_529", {}),
        ("error_mid_stream", {}),
        ("cut", {"how": "rst"}),
        ("cut", {"how": "fin"}),
        ("no_message_stop", {}),
    ],
)
def test_what_the_upstream_does_wrong_looks_the_same(
    proxy: Proxy, upstream: Upstream, tmp_path: Path, scenario: str, params: dict[str, Any]
) -> None:
    """The CLI asks as often, degrades in the same steps and says the same; each attempt is a record."""
    upstream.default = (scenario, params)
    retries = {"CLAUDE_CODE_MAX_RETRIES": "1"}
    direct = claude(upstream, upstream.port, tmp_path, "hello", **retries)
    proxied = claude(upstream, proxy.port, tmp_path, "hello", **retries)
    assert proxied.code == direct.code
    assert comparable(proxied.printed) == comparable(direct.printed)
    assert [shape(r) for r in proxied.requests] == [shape(r) for r in direct.requests]
    records = proxy.records(len(proxied.requests))
    assert Counter(r["request"]["sha256"] for r in records) == Counter(
        hashlib.sha256(r.body).hexdigest() for r in proxied.requests
    )
    assert {r["session_id"] for r in records} == {proxied.result["session_id"]}
    assert all(f["kind"] != "violation" for r in records for f in r["findings"])
