"""A listener that wants tokens: who gets in, what goes upstream, what is recorded."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.proxy import Proxy, running
from tests.e2e.test_canary import assert_clean, everything
from tests.e2e.wire import Answer, call
from tests.upstream import Upstream

BODY = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).encode()
ORG_KEY = "sk-ant-" + "api03-" + "org0" * 16
OWN_KEY = "sk-ant-" + "api03-" + "own7" * 16


def token(*arguments: str, tokens: Path) -> str:
    """Run `mitmclaude token …` as a user does; what it prints."""
    command = Path(sys.executable).with_name("mitmclaude")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tokens.parent), "CLAUDE_TOKENS": f"file:{tokens}"}
    return subprocess.run(
        [command, "token", *arguments], env=environment, capture_output=True, text=True, check=True, timeout=30
    ).stdout


def ask(proxy: Proxy, headers: dict[str, str], path: str = "/v1/messages", body: bytes = BODY, method: str = "POST") -> Answer:  # fmt: skip
    return call(proxy.port, method, path, list(headers.items()), body)


def head_only(proxy: Proxy, headers: str) -> bytes:
    """The answer to a request whose body never comes, until the proxy hangs up."""
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as raw:
        raw.sendall(f"POST /v1/messages HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        return b"".join(iter(lambda: raw.recv(65536), b""))


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def ann(tokens: Path) -> str:
    """Ann's token, as `mitmclaude token new` prints it."""
    return token("new", "ann", tokens=tokens).splitlines()[0]


@pytest.fixture
def guarded(tmp_path: Path, upstream: Upstream, tokens: Path, ann: str) -> Iterator[Proxy]:
    options = [
        "--set",
        f"claude_tokens=file:{tokens}",
        "--set",
        "claude_org_key=env:ORG",
        "--set",
        "claude_max_rate=20",
    ]
    with running(upstream.url, tmp_path / "proxy", *options, ORG=ORG_KEY) as proxy:
        yield proxy


def test_beside_an_own_credential(guarded: Proxy, upstream: Upstream, ann: str) -> None:
    """With the token in its own header the client's credential goes upstream as it came, and the token does not."""
    assert ask(guarded, {"x-capture-token": ann, "x-api-key": OWN_KEY}).status == 200
    names = {name.lower(): value for name, value in upstream.requests[0].headers}
    assert names[b"x-api-key"] == OWN_KEY.encode()
    assert b"x-capture-token" not in names
    assert guarded.record()["principal"] == "ann"


@pytest.mark.parametrize("form", ["x-api-key", "authorization"])
def test_in_place_of_a_credential(guarded: Proxy, upstream: Upstream, ann: str, form: str) -> None:
    """With the token in a credential's place the organisation's key goes upstream, alone."""
    assert ask(guarded, {form: f"Bearer {ann}" if form == "authorization" else ann}).status == 200
    names = {name.lower(): value for name, value in upstream.requests[0].headers}
    assert names[b"x-api-key"] == ORG_KEY.encode()
    assert b"authorization" not in names
    assert guarded.record()["principal"] == "ann"


@pytest.mark.parametrize("headers", [{}, {"x-capture-token": "mcl_" + "x" * 43}, {"x-api-key": OWN_KEY}])
def test_strangers_are_denied(guarded: Proxy, upstream: Upstream, headers: dict[str, str]) -> None:
    """Without a valid token: 401 in the API's shape, recorded without the body, and upstream is not contacted."""
    answer = ask(guarded, headers)
    assert answer.status == 401
    assert json.loads(answer.body)["error"]["type"] == "authentication_error"
    record = guarded.record()
    assert record["outcome"] == "rejected"
    assert record["principal"] is None
    assert record["request"]["input"] is None
    assert record["flow"] is None
    assert record["response"]["error"]["message"].startswith("mitmclaude: ")
    assert answer.header("x-should-retry") == "false"
    assert upstream.requests == []


def test_a_strangers_long_body_is_not_read(guarded: Proxy) -> None:
    """A stranger who announces a long body is answered at once, and hung up on."""
    answer = head_only(guarded, "Content-Length: 999999999\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert guarded.record()["outcome"] == "rejected"


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/admin", {}, 404),
        ("GET", "/v1/../admin", {}, 404),
        ("GET", "http://evil.example/v1/models", {}, 404),
        ("GET", "/v1/models", {"upgrade": "websocket", "connection": "upgrade"}, 404),
        ("GET", "/v1/models", {"host": "evil.example"}, 200),
    ],
)
def test_only_the_api_is_reached(
    guarded: Proxy, upstream: Upstream, ann: str, method: str, path: str, more: dict[str, str], status: int
) -> None:
    """Other paths, hosts and protocols are refused; a forged Host goes nowhere else."""
    answer = ask(guarded, {"x-capture-token": ann, **more}, path, b"", method)
    assert answer.status == status
    assert len(upstream.requests) == (status == 200)
    assert not any(value == b"evil.example" for request in upstream.requests for _, value in request.headers)


def test_probes_are_answered_here(guarded: Proxy, upstream: Upstream) -> None:
    """Claude Code's probes need no token, and go no further."""
    for path in ("/", "/api/hello"):
        assert ask(guarded, {}, path, b"", "HEAD").status == 200
    assert upstream.requests == []
    assert guarded.files("records") == []


def test_connect_is_refused(guarded: Proxy, upstream: Upstream) -> None:
    """CONNECT does not make it a tunnel."""
    with socket.create_connection(("127.0.0.1", guarded.port), 10) as raw:
        raw.sendall(f"CONNECT 127.0.0.1:{upstream.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = raw.recv(65536)
    assert answer.startswith(b"HTTP/1.1 4")


def test_rate_and_size_are_bounded(guarded: Proxy, upstream: Upstream, ann: str) -> None:
    """Beyond a token's rate: 429 with retry-after; beyond the size: 413; a body without a length: 411."""
    big = head_only(guarded, f"x-capture-token: {ann}\r\nContent-Length: 40000000\r\n")
    assert big.startswith(b"HTTP/1.1 413 ")
    assert b"request_too_large" in big
    chunked = call(guarded.port, "POST", "/v1/messages", [("x-capture-token", ann)], BODY, chunks=3)
    assert chunked.status == 411
    answers = [ask(guarded, {"x-capture-token": ann}) for _ in range(20)]
    assert 18 <= [answer.status for answer in answers].count(200) < 20  # a slow run gains one in three seconds
    refused = next(answer for answer in answers if answer.status == 429)
    assert 1 <= int(refused.header("retry-after") or "0") <= 3
    assert json.loads(refused.body)["error"]["type"] == "rate_limit_error"


def test_a_revoked_token_is_refused_without_a_restart(guarded: Proxy, tokens: Path, ann: str) -> None:
    """Revoking takes effect within a minute, while others go on."""
    bob = token("new", "bob", tokens=tokens).splitlines()[0]
    assert "ann  made" in token("list", tokens=tokens)
    token("revoke", "ann", tokens=tokens)
    deadline = time.monotonic() + 60
    while ask(guarded, {"x-capture-token": ann}).status != 401:
        assert time.monotonic() < deadline
        time.sleep(4)
    assert ask(guarded, {"x-capture-token": bob}).status == 200


def test_a_lost_table_locks_nobody_out(guarded: Proxy, tokens: Path, ann: str) -> None:
    """While the tokens cannot be read the last good copy serves on, and the log tells its age."""
    tokens.unlink()
    deadline = time.monotonic() + 60
    while "as they cannot be read" not in guarded.output:
        assert time.monotonic() < deadline
        assert ask(guarded, {"x-capture-token": ann}).status == 200
        time.sleep(4)
    assert ask(guarded, {"x-capture-token": ann}).status == 200


def test_no_token_and_no_key_is_written(guarded: Proxy, tmp_path: Path, ann: str) -> None:
    """Neither a token, nor the organisation's key, nor a caller's own is in any file or line."""
    for headers in (
        {"x-api-key": ann},
        {"x-capture-token": ann, "x-api-key": OWN_KEY},
        {"authorization": f"Bearer {ann}"},
    ):
        ask(guarded, headers)
    ask(guarded, {"x-capture-token": ann}, body=BODY.replace(b"hi", ann.encode()))
    guarded.records(4)
    guarded.stop()
    assert_clean(everything(tmp_path, guarded.output), [ann, ann[4:], ORG_KEY, OWN_KEY])
