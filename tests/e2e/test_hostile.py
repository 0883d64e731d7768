"""Hostile requests: each gets a defined answer, and nobody else waits for it."""

import gzip
import json
import socket
import threading
import time
from pathlib import Path

import pytest
import zstandard

from tests.e2e.proxy import Proxy, running
from tests.e2e.wire import call
from tests.upstream import Upstream, serving

GOOD = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
DEEP = 10_000


def nested(levels: int) -> bytes:
    text = json.dumps({**GOOD, "metadata": "@"})
    return text.replace('"@"', "[" * levels + "]" * levels).encode()


BODIES = {
    "empty": (b"", {}),
    "truncated": (json.dumps(GOOD).encode()[:-5], {}),
    "not-utf-8": (json.dumps(GOOD).encode().replace(b"hello", b"\xff\xfe"), {}),
    "nested": (nested(DEEP), {}),
    "nan": (json.dumps({**GOOD, "temperature": float("nan")}).encode(), {}),
    "lone-surrogate": (json.dumps(GOOD).replace("hello", "\\ud83d").encode(), {}),
    "not-an-object": (b"[1, 2]", {}),
    "zip-bomb": (gzip.compress(b" " * 200_000_000, 1), {"content-encoding": "gzip"}),
    "zstd-bomb": (zstandard.compress(b" " * 200_000_000), {"content-encoding": "zstd"}),
    "truncated-gzip": (gzip.compress(json.dumps(GOOD).encode())[:-12], {"content-encoding": "gzip"}),
    "unknown-encoding": (json.dumps(GOOD).encode(), {"content-encoding": "rot13"}),
    "many-small-values": (b'{"messages":[' + b"{}," * 9_000_000 + b"{}]}", {}),
}
FORWARDED = {
    "duplicate-keys": (b'{"model":5,' + json.dumps(GOOD).encode()[1:], {}),
    "huge": (json.dumps(GOOD).replace("hello", "x" * 30_000_000).encode(), {}),
    "compressed": (gzip.compress(json.dumps(GOOD).encode()), {"content-encoding": "gzip"}),
    "bom": (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), {}),
}


def send(proxy: Proxy, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    answer = call(proxy.port, "POST", "/v1/messages", [("content-type", "application/json"), *headers.items()], body)
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("name", BODIES)
def test_malformed_bodies_are_refused(proxy: Proxy, upstream: Upstream, name: str) -> None:
    """A body that is certainly malformed gets a 400 in the API's shape, is recorded, and never goes upstream."""
    status, body = send(proxy, *BODIES[name])
    assert status == 400
    assert body["type"] == "error"
    record = proxy.record()
    assert record["outcome"] == "rejected"
    assert [finding["kind"] for finding in record["findings"]].count("violation") >= 1
    assert record["request"]["sha256_sent"] is None
    assert upstream.requests == []
    assert "Traceback" not in proxy.output


@pytest.mark.parametrize("name", FORWARDED)
def test_odd_bodies_pass(proxy: Proxy, upstream: Upstream, name: str) -> None:
    """What is odd but well-formed goes upstream byte for byte, however large."""
    status, _ = send(proxy, *FORWARDED[name])
    assert status == 200
    assert upstream.requests[0].body == FORWARDED[name][0]
    record = proxy.record()
    assert record["outcome"] == "complete"
    assert not [finding for finding in record["findings"] if finding["kind"] == "violation"]


def test_nobody_waits_for_a_hostile_body(tmp_path: Path) -> None:
    """While bodies of 27 MB of tiny values are examined, a stream goes on: no gap comes near their cost."""
    with serving() as upstream, running(upstream.url, tmp_path) as proxy:
        send(proxy, *BODIES["many-small-values"])  # the first starts the process that examines such bodies
        proxy.record()
        attackers = [threading.Thread(target=send, args=(proxy, *BODIES["many-small-values"])) for _ in range(2)]
        began = time.monotonic()
        for attacker in attackers:
            attacker.start()
        stream = json.dumps({**GOOD, "stream": True}).encode()
        call(proxy.port, "POST", "/v1/messages", [("x-scenario", "paced?events=100&delay=0.02")], stream)
        for attacker in attackers:
            attacker.join()
        cost = time.monotonic() - began
        gap = next(r for r in proxy.records(3) if r["outcome"] == "complete")["timing"]["longest_gap"]
        assert gap < max(0.35, cost / 4), f"a gap of {gap} s, the whole took {cost} s"


def test_slow_and_broken_heads(proxy: Proxy) -> None:
    """A request that is no HTTP gets an error in the API's shape, not an HTML page."""
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as raw:
        raw.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
