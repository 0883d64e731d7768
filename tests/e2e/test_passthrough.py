"""Bytes go through as they came, both ways, at once: the same call with and without the proxy."""

import gzip
import json
import time
import zlib
from pathlib import Path

import pytest
import zstandard

from tests.e2e.proxy import Proxy
from tests.e2e.wire import Client, call, end_to_end
from tests.scenarios import RESPONSES, fixture, split_events
from tests.upstream import Upstream

MESSAGES = "/v1/messages?beta=true"
REQUEST = {"model": "claude-opus-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Grüße, 世界"}]}
STREAMING = json.dumps({**REQUEST, "stream": True}, ensure_ascii=False).encode()
PLAIN = json.dumps(REQUEST).encode()
HEADERS = [
    ("Accept", "application/json"),
    ("content-type", "application/json"),
    ("X-oDD-Case", "1"),
    ("x-twice", "first"),
    ("x-api-key", "sk-ant-fake-000"),
    ("X-Twice", "second"),
    ("anthropic-version", "2023-06-01"),
    ("anthropic-beta", "one-2026-01-01,two-2026-01-01"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
]
STREAMED = [
    "text", "text_tool_use?tool=Read&file_path=a", "thinking", "cut?how=fin", "cut?how=rst", "no_message_stop",
    "paced?events=5&delay=0.01", "encoded?coding=gzip", "encoded?coding=zstd", "sse_with_length", "sse_until_close",
    "odd_boundaries", "comments_and_unknown", "big_tool_json", "error_529", "error_400", "html_502", "status_204",
]  # fmt: skip
UNSTREAMED = [
    "text", "cut_json?how=fin", "cut_json?how=rst", "paced_json", "encoded?coding=gzip", "encoded?coding=zstd",
    "duplicate_headers", "status_204", "status_304", "empty", "trailing_blanks", "huge_json", "error_400", "error_429",
    "error_500", "error_529", "html_502",
]  # fmt: skip


def assert_passes_through(proxy: Proxy, upstream: Upstream, body: bytes, scenario: str) -> None:
    headers = [*HEADERS, ("x-scenario", scenario)]
    direct = call(upstream.port, "POST", MESSAGES, headers, body)
    proxied = call(proxy.port, "POST", MESSAGES, headers, body)
    assert proxied.passed_through == direct.passed_through


@pytest.mark.parametrize("scenario", STREAMED)
def test_a_streaming_request_gets_the_same_answer(proxy: Proxy, upstream: Upstream, scenario: str) -> None:
    """Status, headers, body bytes and the way the body ends are those of the upstream."""
    assert_passes_through(proxy, upstream, STREAMING, scenario)


@pytest.mark.parametrize("scenario", UNSTREAMED)
def test_a_plain_request_gets_the_same_answer(proxy: Proxy, upstream: Upstream, scenario: str) -> None:
    """Status, headers, body bytes and the way the body ends are those of the upstream."""
    assert_passes_through(proxy, upstream, PLAIN, scenario)


@pytest.mark.parametrize("path", sorted(RESPONSES.glob("*.sse")), ids=lambda path: path.stem)
def test_every_fixture_stream_goes_through(proxy: Proxy, path: Path) -> None:
    """Streams of every kind, broken ones too, arrive byte for byte."""
    answer = call(proxy.port, "POST", MESSAGES, [*HEADERS, ("x-scenario", path.name)], STREAMING)
    assert (answer.body, answer.whole) == (path.read_bytes(), True)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/v1/models?limit=1000", b""),
        ("HEAD", "/api/hello", b""),
        ("HEAD", "/v1/messages", b""),
        ("POST", "/v1/messages/count_tokens?beta=true", PLAIN),
        ("GET", "/api/claude_code/settings", b""),
        ("POST", "/v1/files/%7Bodd%7D/../x//y;z?a=1&a=2&empty=", b"\x00\xff binary"),
        ("DELETE", "/v1/files/file_1", b""),
        ("PUT", "/anything/at/all", b"x" * 100_000),
        ("OPTIONS", "/v1/messages", b""),
    ],
)
def test_other_paths_pass(proxy: Proxy, upstream: Upstream, method: str, target: str, body: bytes) -> None:
    """What is not the Messages endpoint goes through too, its target and body unchanged."""
    direct = call(upstream.port, method, target, HEADERS, body)
    proxied = call(proxy.port, method, target, HEADERS, body)
    assert proxied.passed_through == direct.passed_through
    first, second = upstream.requests
    assert (second.method, second.target, second.body) == (first.method, first.target, first.body)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (STREAMING, []),
        (STREAMING + b"\n \t \t\n", []),
        (b" \n" + json.dumps(REQUEST, indent=2).encode(), []),
        (gzip.compress(STREAMING + b" \n\t"), [("Content-Encoding", "gzip")]),
        (zstandard.ZstdCompressor().compress(STREAMING), [("Content-Encoding", "zstd")]),
        (json.dumps({**REQUEST, "padding": "é" * 1_000_000}, ensure_ascii=False).encode(), []),
    ],
    ids=["compact", "trailing blanks", "indented", "gzip", "zstd", "2 MB"],
)
def test_a_request_arrives_as_it_was_sent(
    proxy: Proxy, upstream: Upstream, body: bytes, headers: list[tuple[str, str]]
) -> None:
    """The upstream sees the same body bytes, and the same headers in the same order, spelling and number."""
    for port in (upstream.port, proxy.port):
        assert call(port, "POST", MESSAGES, [*HEADERS, *headers], body).status == 200
    direct, proxied = upstream.requests
    assert proxied.body == direct.body == body
    sent = [[(k.decode(), v.decode()) for k, v in r.headers if k.lower() != b"host"] for r in (direct, proxied)]
    assert end_to_end(sent[1]) == end_to_end(sent[0])


def test_a_chunked_request_arrives_whole(proxy: Proxy, upstream: Upstream) -> None:
    """A body sent in chunks is the same body at the upstream."""
    assert call(proxy.port, "POST", MESSAGES, HEADERS, STREAMING, chunks=37).status == 200
    assert upstream.requests[0].body == STREAMING


def test_events_arrive_while_the_stream_goes_on(proxy: Proxy, upstream: Upstream) -> None:
    """The client has each event before the upstream sends the next one."""
    with Client(proxy.port) as client:
        client.send("POST", MESSAGES, [*HEADERS, ("x-scenario", "lockstep")], STREAMING).read_head()
        for event in split_events(fixture("text.sse")):
            upstream.step()
            assert client.read_until(b"\n\n") == event
        assert client.read_body() == b""
        assert client.whole


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_compressed_events_arrive_while_the_stream_goes_on(proxy: Proxy, upstream: Upstream, coding: str) -> None:
    """A compressed stream is passed on as it comes, still compressed."""
    decoder = zlib.decompressobj(wbits=31) if coding == "gzip" else zstandard.ZstdDecompressor().decompressobj()
    with Client(proxy.port) as client:
        scenario = ("x-scenario", f"encoded?coding={coding}&step=true")
        client.send("POST", MESSAGES, [*HEADERS, scenario], STREAMING).read_head()
        for event in split_events(fixture("text.sse")):
            upstream.step()
            got = b""
            while len(got) < len(event):
                got += decoder.decompress(client.read_more())
            assert got == event


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_json_arrives_while_the_upstream_still_writes_it(proxy: Proxy, upstream: Upstream, framing: str) -> None:
    """A plain answer is not held back until it is complete either."""
    with Client(proxy.port) as client:
        scenario = ("x-scenario", f"lockstep_json?framing={framing}")
        client.send("POST", MESSAGES, [*HEADERS, scenario], PLAIN).read_head()
        body = fixture("message.json")
        for at in range(0, len(body), 100):
            upstream.step()
            wanted = body[at : at + 100]
            got = b""
            while len(got) < len(wanted):
                got += client.read_more()
            assert got == wanted


@pytest.mark.parametrize("scenario", ["hang_mid_stream", "hang"])
def test_a_client_that_hangs_up_stops_the_upstream(proxy: Proxy, upstream: Upstream, scenario: str) -> None:
    """The upstream sees its connection closed within two seconds, before or in the middle of an answer."""
    with Client(proxy.port) as client:
        client.send("POST", MESSAGES, [*HEADERS, ("x-scenario", scenario)], STREAMING)
        if scenario == "hang_mid_stream":
            client.read_head()
            client.read_until(b"content_block_delta")
        upstream.wait(lambda received: len(received) == 1)
        left_at = time.monotonic()
    (request,) = upstream.wait(lambda received: received[0].ended == "client_gone", timeout=2)
    assert request.ended_at - left_at < 2


def test_connections_are_kept(proxy: Proxy, upstream: Upstream) -> None:
    """Requests one after the other use one connection, on both sides, whatever they were answered."""
    with Client(proxy.port) as client:
        for scenario in ("text", "error_429", "encoded", "text"):
            client.send("POST", MESSAGES, [*HEADERS, ("x-scenario", scenario)], STREAMING)
            assert client.answer().whole
    assert {r.connection for r in upstream.requests} == {upstream.requests[0].connection}


def test_slow_first_byte_is_waited_for(proxy: Proxy) -> None:
    """A long silence before the head of an answer harms nothing."""
    headers = [*HEADERS, ("x-scenario", "paced?events=2&delay=0&wait=1.5")]
    answer = call(proxy.port, "POST", MESSAGES, headers, STREAMING)
    assert (answer.status, answer.whole) == (200, True)


def test_nothing_went_wrong_inside(proxy: Proxy) -> None:
    """After all these calls the proxy has logged no traceback and no error of an addon."""
    assert "Traceback" not in proxy.output
    assert "Addon error" not in proxy.output
