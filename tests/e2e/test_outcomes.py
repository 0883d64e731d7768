"""Every request ends in exactly one record with a typed outcome, whatever became of it."""

import hashlib
import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.proxy import Proxy, Record, running
from tests.e2e.wire import Answer, Client, call
from tests.scenarios import fixture
from tests.upstream import Upstream, serving

MESSAGES = "/v1/messages?beta=true"
KEY = "sk-ant-api03-" + "fakefake" * 8
HEADERS = [
    ("content-type", "application/json"),
    ("x-api-key", KEY),
    ("anthropic-version", "2023-06-01"),
    ("user-agent", "claude-cli/2.1.330 (external, sdk-cli)"),
    ("X-Claude-Code-Session-Id", "a1985f7f-b6e1-4285-8502-ee57406387ac"),
]
REQUEST = {"model": "claude-opus-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}
STREAMING = json.dumps({**REQUEST, "stream": True}).encode()
PLAIN = json.dumps(REQUEST).encode()


def ask(proxy: Proxy, scenario: str, body: bytes = STREAMING) -> Answer:
    return call(proxy.port, "POST", MESSAGES, [*HEADERS, ("x-scenario", scenario)], body)


def said(record: Record) -> str:
    """The text of the message in a record, as far as it came."""
    return "".join(block.get("text", "") for block in record["response"]["message"]["content"])


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def assert_partial(record: Record) -> None:
    """The message up to the second text delta, with the usage of its start."""
    assert said(record) == "Hello from the f"
    assert record["usage"]["input_tokens"] == 25
    assert record["usage"]["cache_read_input_tokens"] == 9000


def assert_no_secret(proxy: Proxy, record: Record) -> None:
    assert KEY not in json.dumps(record)
    assert KEY not in proxy.output
    if record["flow"]:
        assert KEY.encode() not in repr(proxy.flow(record).get_state()).encode()


@pytest.mark.parametrize("body", [STREAMING, PLAIN], ids=["stream", "json"])
def test_complete(proxy: Proxy, upstream: Upstream, body: bytes) -> None:
    """A good answer is complete, with its message, usage, cost, hashes and headers; no key is in it."""
    answer = ask(proxy, "text", body)
    record = proxy.record(timeout=0)  # stored before the client saw the end of the answer
    assert record["outcome"] == "complete"
    assert record["endpoint"] == "messages"
    assert record["session_id"] == "a1985f7f-b6e1-4285-8502-ee57406387ac"
    assert record["request"]["sha256"] == record["request"]["sha256_sent"] == sha256(body)
    assert record["request"]["model"] == "claude-opus-5-5"
    assert record["response"]["status"] == 200
    assert record["response"]["sha256"] == record["response"]["sha256_sent"] == sha256(answer.body)
    assert record["response"]["bytes"] == len(answer.body)
    assert record["response"]["request_id"] == upstream.requests[0].request_id == answer.header("request-id")
    assert said(record).endswith("[FAKE-OK]")
    assert record["usage"]["output_tokens"] == 12
    assert record["cost"] is not None
    assert record["findings"] == record["errors"] == []
    assert_no_secret(proxy, record)


def test_the_raw_flow_is_readable(proxy: Proxy) -> None:
    """mitmproxy itself reads the stored flow back: both bodies byte for byte, no key."""
    answer = ask(proxy, "thinking")
    flow = proxy.flow(proxy.record())
    assert flow.request.raw_content == STREAMING
    assert flow.response is not None
    assert flow.response.raw_content == answer.body
    assert KEY not in repr(flow.get_state())


@pytest.mark.parametrize(
    ("scenario", "status", "kind"),
    [
        ("error_400", 400, "invalid_request_error"),
        ("error_429", 429, "rate_limit_error"),
        ("error_500", 500, "api_error"),
        ("error_529", 529, "overloaded_error"),
    ],
)
def test_api_error(proxy: Proxy, scenario: str, status: int, kind: str) -> None:
    """An error status of the API is an api_error, with the API's own error kept."""
    assert ask(proxy, scenario).status == status
    record = proxy.record()
    assert (record["outcome"], record["response"]["status"]) == ("api_error", status)
    assert record["response"]["error"]["type"] == kind
    assert record["response"]["message"] is None


def test_api_error_that_is_no_json(proxy: Proxy) -> None:
    """A gateway's HTML page is an api_error too."""
    assert ask(proxy, "html_502").status == 502
    assert proxy.record()["outcome"] == "api_error"


def test_stream_error(proxy: Proxy) -> None:
    """An error event after a 200 is a stream_error, with what was said before it."""
    ask(proxy, "error_mid_stream.sse")
    record = proxy.record()
    assert (record["outcome"], record["response"]["status"]) == ("stream_error", 200)
    assert record["response"]["error"]["type"] == "overloaded_error"
    assert_partial(record)


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_truncated_by_a_lost_connection(proxy: Proxy, how: str) -> None:
    """An upstream that goes away mid-stream leaves a truncated record with the part that came."""
    assert not ask(proxy, f"cut?how={how}").whole
    record = proxy.record()
    assert record["outcome"] == "truncated"
    assert_partial(record)


def test_truncated_by_a_missing_end(proxy: Proxy) -> None:
    """A body that ends well, but without message_stop, is truncated."""
    assert ask(proxy, "no_message_stop").whole
    record = proxy.record()
    assert record["outcome"] == "truncated"
    assert said(record).endswith("[FAKE-OK]")
    assert record["usage"]["output_tokens"] == 12


def test_truncated_json(proxy: Proxy) -> None:
    """Half of a JSON answer is truncated."""
    assert not ask(proxy, "cut_json", PLAIN).whole
    assert proxy.record()["outcome"] == "truncated"


def test_client_aborted_mid_stream(proxy: Proxy) -> None:
    """A client that hangs up mid-stream leaves a client_aborted record with the part that came."""
    with Client(proxy.port) as client:
        client.send("POST", MESSAGES, [*HEADERS, ("x-scenario", "hang_mid_stream")], STREAMING).read_head()
        client.read_until(b"om the f")
    record = proxy.record()
    assert record["outcome"] == "client_aborted"
    assert_partial(record)


def test_client_aborted_before_the_answer(proxy: Proxy, upstream: Upstream) -> None:
    """A client that does not wait for the first byte is client_aborted, without a response."""
    with Client(proxy.port) as client:
        client.send("POST", MESSAGES, [*HEADERS, ("x-scenario", "hang")], STREAMING)
        upstream.wait(lambda received: len(received) == 1)
    record = proxy.record()
    assert (record["outcome"], record["response"]) == ("client_aborted", None)


def test_complete_when_the_client_leaves_after_the_last_event(proxy: Proxy, upstream: Upstream) -> None:
    """A client that hangs up behind message_stop has got all of it: complete."""
    with Client(proxy.port) as client:
        client.send("POST", MESSAGES, [*HEADERS, ("x-scenario", "lockstep")], STREAMING).read_head()
        upstream.step(100)
        client.read_until(b"message_stop\"}\n\n")  # fmt: skip
    record = proxy.record()
    assert record["outcome"] == "complete"
    assert said(record).endswith("[FAKE-OK]")


def test_unreachable_by_a_closed_connection(proxy: Proxy) -> None:
    """An upstream that closes without a word never answered."""
    assert ask(proxy, "cut_before_headers").status >= 500
    record = proxy.record()
    assert record["outcome"] == "unreachable"
    assert record["request"]["model"] == "claude-opus-5-5"


def test_unreachable_when_nothing_listens(tmp_path: Path) -> None:
    """A refused connection is unreachable, and the client is told so."""
    with serving() as gone:
        url = gone.url
    with running(url, tmp_path) as proxy:
        assert ask(proxy, "text").status >= 500
        assert proxy.record()["outcome"] == "unreachable"


def test_unreachable_by_a_certificate(tmp_path: Path) -> None:
    """An upstream whose certificate nobody vouches for is unreachable, and gets no request."""
    with serving(tls=True) as upstream, running(upstream.url, tmp_path) as proxy:
        assert ask(proxy, "text").status >= 500
        assert proxy.record()["outcome"] == "unreachable"
        assert upstream.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b'{"model":"claude-opus-5-5","max_tokens":8}',
        b'{"model":1,"max_tokens":8,"messages":[]}',
        b'{"model":"claude-opus-5-5","max_tokens":8,"messages":[{"role":"user","content":[{"type":"text"}]}]}',
    ],
)
def test_rejected(proxy: Proxy, upstream: Upstream, body: bytes) -> None:
    """A malformed request is answered by us in the API's shape, and never goes upstream."""
    answer = ask(proxy, "text", body)
    record = proxy.record()
    shown: dict[str, Any] = json.loads(answer.body)
    assert (answer.status, shown["type"], shown["error"]["type"]) == (400, "error", "invalid_request_error")
    assert answer.header("request-id") == shown["request_id"]
    assert str(shown["request_id"]).startswith("req_")
    assert upstream.requests == []
    assert record["outcome"] == "rejected"
    assert [finding["kind"] for finding in record["findings"]][:1] == ["violation"]
    assert record["request"]["sha256"] == sha256(body)
    assert record["request"]["sha256_sent"] is None


@pytest.mark.parametrize(("level", "violations"), [("observe", 1), ("off", 0)])
def test_not_rejected_unless_enforced(upstream: Upstream, tmp_path: Path, level: str, violations: int) -> None:
    """`observe` records a violation and forwards the request; `off` does not look."""
    body = b'{"model":"claude-opus-5-5","max_tokens":8,"stream":true}'
    with running(upstream.url, tmp_path, "--set", f"claude_validation={level}") as proxy:
        assert ask(proxy, "text", body).body == fixture("text.sse")
        record = proxy.record()
    assert record["outcome"] == "complete"
    assert len([f for f in record["findings"] if f["kind"] == "violation"]) == violations
    assert upstream.requests[0].body == body


def test_shutdown(upstream: Upstream, tmp_path: Path) -> None:
    """SIGTERM mid-stream leaves a shutdown record for each open call, before the process ends with 0."""
    with running(upstream.url, tmp_path) as proxy:
        clients = [Client(proxy.port) for _ in range(3)]
        for client in clients:
            client.send("POST", MESSAGES, [*HEADERS, ("x-scenario", "hang_mid_stream")], STREAMING).read_head()
            client.read_until(b"om the f")
        assert proxy.stop(signal.SIGTERM) == 0
        for client in clients:
            client.close()
        for record in proxy.records(3, timeout=0):
            assert record["outcome"] == "shutdown"
            assert_partial(record)


def test_one_record_for_every_request(upstream: Upstream, tmp_path: Path) -> None:
    """Calls of every kind at the same time: as many records as calls, each with its own outcome."""
    wanted = {
        "text": "complete", "error_529": "api_error", "error_mid_stream.sse": "stream_error", "cut": "truncated",
        "no_message_stop": "truncated", "cut_before_headers": "unreachable", "paced": "complete",
        "encoded": "complete", "status_204": "complete",
    }  # fmt: skip
    with running(upstream.url, tmp_path) as proxy:
        threads = [threading.Thread(target=ask, args=(proxy, name)) for name in wanted for _ in range(3)]
        threads.append(threading.Thread(target=ask, args=(proxy, "text", b"not json")))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert proxy.stop() == 0
        records = proxy.records(len(threads), timeout=0)
    got = sorted(record["outcome"] for record in records)
    assert got == sorted([*(outcome for outcome in wanted.values() for _ in range(3)), "rejected"])
    assert len({record["id"] for record in records}) == len(threads)
