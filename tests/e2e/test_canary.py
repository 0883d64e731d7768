"""Fake credentials in every place: no byte of them in any file or line of output."""

import gzip
import json
from pathlib import Path

import pytest

from tests.e2e.canaries import BODY, HEADERS, QUERY, SECRETS, assert_clean, canary, everything, request_body
from tests.e2e.proxy import running
from tests.e2e.wire import call
from tests.scenarios import events_of, frame, message, sse
from tests.upstream import serving


@pytest.mark.parametrize("log", ["line", "json", "verbose"])
@pytest.mark.parametrize("capture", ["redacted", "metadata"])
def test_canary(tmp_path: Path, log: str, capture: str) -> None:
    """Good, refused, failing and compressed calls with secrets everywhere leave none behind, whatever is logged."""
    headers = [(name, scheme + value) for name, (scheme, value) in HEADERS.items()]
    headers += [("content-type", "application/json"), ("accept-encoding", "gzip, zstd")]
    path = "/v1/messages?beta=true&" + "&".join(f"{name}={value}" for name, value in QUERY.items())
    options = ["--set", f"claude_log={log}", "--set", f"claude_capture={capture}"]
    with serving() as upstream, running(upstream.url, tmp_path, *options) as proxy:
        for scenario in ("text", "error_400", "cut", "error_mid_stream", "encoded"):
            call(proxy.port, "POST", path, [*headers, ("x-scenario", scenario)], request_body())
        call(proxy.port, "POST", path, headers, request_body(streams=False))
        call(proxy.port, "POST", path, [*headers, ("content-encoding", "gzip")], gzip.compress(request_body()))
        call(proxy.port, "POST", path, headers, request_body()[:-1])  # refused: cut off
        call(proxy.port, "POST", path, headers, request_body().replace(b'"max_tokens": 64', b'"max_tokens": "64"'))
        call(proxy.port, "POST", path.replace("messages", "other"), headers, request_body())
        proxy.records(10)
        proxy.stop()
        assert_clean(everything(tmp_path, proxy.output), SECRETS)


def test_full_capture_keeps_bodies_but_no_credential_header(tmp_path: Path) -> None:
    """`claude_capture=full` keeps bodies as they came; credential headers and query parameters are gone all the same."""
    headers = [(name, scheme + value) for name, (scheme, value) in HEADERS.items() if name != "x-note"]
    path = "/v1/messages?" + "&".join(f"{name}={value}" for name, value in QUERY.items())
    with serving() as upstream, running(upstream.url, tmp_path, "--set", "claude_capture=full") as proxy:
        call(proxy.port, "POST", path, headers, request_body())
        record = proxy.record()
        assert proxy.flow(record).request.raw_content == request_body()
        proxy.stop()
        only_headers = [value for name, (_, value) in HEADERS.items() if name != "x-note"] + list(QUERY.values())
        assert_clean(everything(tmp_path, proxy.output), only_headers)


def test_fingerprints_tell_who_shares_a_key(tmp_path: Path) -> None:
    """With a fingerprint key two calls with one credential carry the same mark, in whichever header it came."""
    key, other = canary("sk-ant-api03-"), canary("sk-ant-api03-")
    sent = [("x-api-key", key), ("authorization", f"Bearer {key}"), ("x-api-key", other)]
    options = ["--set", "claude_fingerprint_key=a-key-of-some-length"]
    with serving() as upstream, running(upstream.url, tmp_path, *options) as proxy:
        marks = []
        for name, value in sent:
            call(proxy.port, "POST", "/v1/messages", [(name, value)], request_body())
            marks.append(dict(proxy.record()["request"]["headers"])[name].removeprefix("Bearer "))
        assert marks[0] == marks[1] != marks[2]
        assert all(mark.startswith("[redacted:") for mark in marks)
        proxy.stop()
        assert_clean(everything(tmp_path, proxy.output), [key, other, "a-key-of-some-length"])


def test_a_secret_that_the_model_says_in_pieces(tmp_path: Path) -> None:
    """A secret that comes split over stream deltas is blanked in the record and in the raw flow."""
    secret = BODY["anthropic"]
    body = json.dumps(
        {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "say it"}]}
    ).encode()
    with serving() as upstream, running(upstream.url, tmp_path) as proxy:
        said = message([{"type": "text", "text": f"the key is {secret} as you see"}])
        upstream.plan(sse([frame(event) for event in events_of(said)]))
        answer = call(proxy.port, "POST", "/v1/messages", [], body)
        assert secret.encode() not in answer.body, "it came in pieces"
        record = proxy.record()
        assert "the key is [redacted] as you see" in record["response"]["message"]["content"][0]["text"]
        stored = proxy.flow(record).response
        proxy.stop()
        assert_clean(everything(tmp_path, proxy.output), [secret])
        assert stored is not None
        assert stored.raw_content
        pieces = [secret[start : start + 8].encode() for start in range(16, 40, 8)]
        assert not [piece for piece in pieces if piece in stored.raw_content]
