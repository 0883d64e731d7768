"""What an attacker or an accident can send: nothing leaks, nobody waits for good, every request has its record."""

import json
import os
import re
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.canaries import assert_clean, canary, everything
from tests.e2e.proxy import ROOT, Proxy, running
from tests.e2e.wire import Client, call
from tests.scenarios import Answer, frame
from tests.upstream import Upstream, serving

GOOD = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
BODY = json.dumps(GOOD).encode()


def raw(proxy: Proxy, head: bytes) -> bytes:
    """Send bytes, close the sending side, read all that comes."""
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_secrets_in_names(tmp_path: Path) -> None:
    """A secret in the place of a name, an id, a model, an event or an unknown field is in no file and no line."""
    secrets = [canary("sk-ant-api03-") for _ in range(16)]
    one = iter(secrets)
    headers = [
        ("x-claude-code-session-id", next(one)),
        ("x-claude-code-agent-id", next(one)),
        ("user-agent", next(one)),
        ("anthropic-beta", next(one)),
    ]
    body = {
        **GOOD,
        "model": next(one),
        "output_config": {"effort": next(one)},
        "thinking": {"type": next(one), next(one): 1},
        next(one): "unknown key",
    }
    usage = {"input_tokens": 1, "output_tokens": 1, next(one): 5}
    start = {
        "type": "message_start",
        "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": usage},
    }
    events: list[dict[str, Any]] = [
        start,
        {"type": next(one)},
        {"type": "content_block_delta", "index": 0, "delta": {"type": next(one)}},
    ]
    with serving() as upstream, running(upstream.url, tmp_path, "--set", "claude_log=verbose") as proxy:
        pieces = [b"event: %s\n" % next(one).encode() + frame(event).partition(b"\n")[2] for event in events]
        upstream.plan(
            Answer(headers=[("content-type", "text/event-stream"), ("request-id", next(one))], pieces=tuple(pieces))
        )
        call(proxy.port, "POST", "/v1/messages", headers, json.dumps(body).encode())
        proxy.record()
        proxy.stop()
        assert_clean(everything(tmp_path, proxy.output), secrets)


@pytest.mark.parametrize(
    "head",
    [
        "POST /v1/messages HTTP/1.1\r\nauthorization: Bearer {}\r\nx-ot",
        "GET /v1/x?api_key={} foo HTTP/1.1\r\n\r\n",
        "GET /v1/x HTTP/1.1\r\nhost: x\r\nx-api-key {}\r\n\r\n",
    ],
)
def test_mitmproxys_own_lines_quote_nothing(proxy: Proxy, head: str) -> None:
    """What mitmproxy logs of a broken request tells that it was broken, and not what stood in it."""
    secret = "an-opaque-credential-of-no-known-shape"
    raw(proxy, head.format(secret).encode())
    call(proxy.port, "GET", "/v1/models")  # by now it was logged
    assert secret not in proxy.output
    assert "[not shown]" in proxy.output


@pytest.mark.parametrize("target", [b"/v1/\xff", b"/v1/messages?x=\xed\xa0\x80", b"/v1/%ff%00"])
def test_any_bytes_in_a_target_have_a_record(proxy: Proxy, target: bytes) -> None:
    """A target that is no text is passed on and recorded like any other."""
    raw(proxy, b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert proxy.record()["request"]["method"] == "GET"


def test_many_headers_cost_little(tmp_path: Path) -> None:
    """Thousands of headers, credentials among them, are dealt with in well under a second each."""
    fields = [(f"x-token-{number}", f"opaque{number:06d}abcdef") for number in range(3000)]
    fields += [(f"x-n-{number}", "a") for number in range(3000)] + [("x-note", canary("ghp_", 36))]
    with serving() as upstream, running(upstream.url, tmp_path) as proxy:
        call(proxy.port, "GET", "/v1/models")
        began = time.monotonic()
        call(proxy.port, "GET", "/v1/models", fields)
        assert time.monotonic() - began < 2
        assert len(proxy.records(2)) == 2


def test_a_reload_leaves_nobody_waiting(tmp_path: Path) -> None:
    """When the script is loaded anew in the middle of an answer, the client still gets all of it."""
    script = tmp_path / "addons" / "claude.py"
    shutil.copytree(ROOT / "addons", script.parent, ignore=shutil.ignore_patterns("__pycache__"))
    with serving() as upstream, running(upstream.url, tmp_path, script=script) as proxy, Client(proxy.port) as client:
        client.send(
            "POST",
            "/v1/messages",
            [("x-scenario", "paced_json?delay=0.3")],
            json.dumps({**GOOD, "stream": False}).encode(),
        )
        client.read_head()
        os.utime(script, (time.time() + 5,) * 2)
        proxy.wait_output(r"Loading script[\s\S]*Loading script")
        received = b""
        while not client.ended:
            received += client.read_body()
        assert json.loads(received)["type"] == "message"


@pytest.mark.parametrize("value", ["False", "True"])
def test_another_script_may_take_the_stream(tmp_path: Path, value: str) -> None:
    """A second script that sets the stream by itself costs no byte of the answer."""
    script = tmp_path / "second.py"
    script.write_text(f"def responseheaders(flow):\n    flow.response.stream = {value}\n")
    with serving() as upstream, running(upstream.url, tmp_path, "-s", str(script)) as proxy:
        answer = call(proxy.port, "POST", "/v1/messages", [], json.dumps({**GOOD, "stream": False}).encode())
        assert answer.whole
        assert json.loads(answer.body)["type"] == "message"
        assert proxy.record()["outcome"] == "complete"


def test_a_client_that_leaves_while_it_sends(proxy: Proxy, upstream: Upstream) -> None:
    """Hanging up within the request's body is the client's doing, and recorded so."""
    raw(proxy, b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
    assert proxy.record()["outcome"] == "client_aborted"
    assert upstream.requests == []


def test_pipelined_calls(proxy: Proxy) -> None:
    """Two requests in one go are two answers and two records."""
    head = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
        connection.sendall(head + head)
        seen = b""
        while len(re.findall(rb"\r\n0\r\n\r\n", seen)) < 2:
            seen += connection.recv(65536)
    assert {record["outcome"] for record in proxy.records(2)} == {"complete"}


def test_a_compressed_answer_does_not_stall_others(tmp_path: Path) -> None:
    """While a small compressed answer of 38 MB of JSON is looked through, a stream goes on."""
    with serving() as upstream, running(upstream.url, tmp_path) as proxy:
        call(proxy.port, "POST", "/v1/messages", [("x-scenario", "huge_json?megabytes=2")], BODY)
        proxy.record()
        ask = threading.Thread(
            target=call, args=(proxy.port, "POST", "/v1/messages", [("x-scenario", "huge_json?megabytes=12")], BODY)
        )
        ask.start()
        call(proxy.port, "POST", "/v1/messages", [("x-scenario", "paced?events=60&delay=0.02")], BODY)
        ask.join()
        gaps = [record["timing"]["longest_gap"] for record in proxy.records(2)]
        assert min(gaps) < 0.5


@pytest.mark.parametrize("pause", [0, 0.2], ids=["at-once", "apart"])
def test_trailers_of_a_request(proxy: Proxy, upstream: Upstream, pause: float) -> None:
    """A chunked request with a trailer goes upstream without it, and is answered and recorded like any other."""
    head = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    body = b"%x\r\n%s\r\n0\r\nx-checksum: 1\r\n\r\n" % (len(BODY), BODY)
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
        connection.sendall(head if pause else head + body)
        time.sleep(pause)
        connection.sendall(body if pause else b"")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert upstream.requests[0].body == BODY
    assert proxy.record()["outcome"] == "complete"


def test_trailers_of_an_answer(tmp_path: Path) -> None:
    """A chunked answer with a trailer comes to its end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
                connection.sendall(head + b"2\r\n{}\r\n0\r\nx-checksum: 1\r\n\r\n")
                connection.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        with running(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path) as proxy:
            answer = call(proxy.port, "GET", "/v1/models")
            assert (answer.body, answer.whole) == (b"{}", True)
            assert proxy.record()["outcome"] == "complete"


def test_endless_heads_and_chunk_lines(proxy: Proxy) -> None:
    """Headers, or the line before a chunk, that do not end are cut off at 256 KB; the connection ends."""
    chunked = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;x="
    for start in (b"GET /v1/models HTTP/1.1\r\nx: ", b"\r\n" * 5000, chunked):
        with socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
            connection.sendall(start)
            for _ in range(5):
                connection.sendall(b"v" * 60_000)
                time.sleep(0.05)
            assert connection.recv(12) == b"HTTP/1.1 431", start[:30]
    assert [record["outcome"] for record in proxy.records(1)] == ["client_aborted"]


def test_what_is_sent_ahead_is_bounded(proxy: Proxy, upstream: Upstream) -> None:
    """A client that sends 64 MB while it waits for its answer is hung up on."""
    upstream.plan(Answer(wait=15))
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
        upstream.wait(lambda requests: len(requests) == 1)
        with pytest.raises(ConnectionError):
            for _ in range(200):
                connection.sendall(bytes(1024 * 1024))
    assert proxy.record()["outcome"] == "client_aborted"
