"""A listener that wants tokens: who gets in, what goes upstream, what is recorded."""

import contextlib
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.canaries import assert_clean, everything
from tests.e2e.proxy import MITMDUMP, SCRIPT, Proxy, free_port, running, scrubbed_environment
from tests.e2e.tokens import BODY, ask, token
from tests.e2e.wire import call
from tests.scenarios import Answer as Planned
from tests.upstream import Upstream, serving

pytestmark = pytest.mark.xdist_group("access")

ORG_KEY = "sk-ant-" + "api03-" + "org0" * 16
OWN_KEY = "sk-ant-" + "api03-" + "own7" * 16


def head_only(proxy: Proxy, headers: str) -> bytes:
    """The answer to a request whose body never comes, until the proxy hangs up."""
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as raw:
        raw.sendall(f"POST /v1/messages HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        return b"".join(iter(lambda: raw.recv(65536), b""))


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


@pytest.mark.parametrize(
    "mode",
    ["regular@{}", "socks5@0.0.0.0:{}", "upstream:http://127.0.0.1:9@{}", "reverse:tcp://127.0.0.1:9@{}", "dns@{}"],
)
def test_no_mode_leads_around_the_tokens(tmp_path: Path, tokens: Path, ann: str, mode: str) -> None:
    """With tokens any mode but a reverse proxy of HTTP stops the start, on loopback too."""
    error = failed_start(tmp_path, "--mode", mode.format(free_port()), "--set", f"claude_tokens=file:{tokens}")
    assert re.fullmatch(r"mitmclaude: --mode \S+: tokens are asked for by a reverse proxy of HTTP only, .*\n", error)


@pytest.mark.parametrize("option", ["ignore_hosts=.*", "allow_hosts=x", "connection_strategy=eager"])
def test_no_option_leads_around_the_tokens(tmp_path: Path, tokens: Path, ann: str, option: str) -> None:
    """With tokens an option that makes tunnels, or contacts the upstream first, stops the start."""
    mode = f"reverse:http://127.0.0.1:9@{free_port()}"
    error = failed_start(tmp_path, "--mode", mode, "--set", option, "--set", f"claude_tokens=file:{tokens}")
    assert error.startswith(f"mitmclaude: {option.partition('=')[0]}")


def failed_start(folder: Path, *options: str) -> str:
    """What a start that fails prints on stderr."""
    done = subprocess.run(
        [MITMDUMP, "-s", SCRIPT, "--set", f"confdir={folder / 'conf'}", *options],
        env=scrubbed_environment(folder / "home"), cwd=folder, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    return done.stderr


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/files", 403),
        ("POST", "/v1/messages/batches", 403),
        ("GET", "/v1/organizations/api_keys", 403),
        ("TRACE", "/v1/messages", 405),
        ("PUT", "/v1/models", 405),
        ("GET", "/v1/models/m", 200),
        ("POST", "/v1/messages/count_tokens", 200),
    ],
)
def test_what_the_organisations_key_reaches(
    guarded: Proxy, upstream: Upstream, ann: str, method: str, path: str, status: int
) -> None:
    """In place of a credential a token opens messages, count_tokens and models, each with its own method."""
    upstream.plan("text")
    assert ask(guarded, {"x-api-key": ann}, path, BODY if method == "POST" else b"", method).status == status
    assert len(upstream.requests) == (status == 200)
    if status == 403:  # with a credential of one's own all of the API is open
        ask(guarded, {"x-api-key": OWN_KEY, "x-capture-token": ann}, path, b"", method)
        assert upstream.requests[0].header("x-api-key") == OWN_KEY


def test_an_opaque_key_that_is_echoed(tmp_path: Path, tokens: Path, ann: str) -> None:
    """A key of no known shape that the upstream repeats is blanked in record, raw flow and log."""
    key = "Opaque-Key-Of-A-Gateway-4711"
    options = ["--set", f"claude_tokens=file:{tokens}", "--set", "claude_org_key=env:ORG", "--set", "claude_log=verbose"]  # fmt: skip
    with serving() as upstream, running(upstream.url, tmp_path / "proxy", *options, ORG=key) as proxy:
        error = {"type": "error", "error": {"type": "authentication_error", "message": f"invalid key: {key}"}}
        upstream.plan(Planned(401, pieces=(json.dumps(error).encode(),)))
        assert ask(proxy, {"x-api-key": ann}).status == 401
        assert "[redacted" in proxy.record()["response"]["error"]["message"]
        proxy.stop()
        assert_clean(everything(tmp_path, proxy.output), [key])


def test_a_strangers_large_head_leaves_little(guarded: Proxy, tmp_path: Path) -> None:
    """Of a request without a token little is kept: its record does not grow with its head."""
    secret = "Opaque" + "s" * 3000
    answer = ask(guarded, {"x-api-key": secret, "x-more": "m" * 40_000}, "/v1/messages?x=" + "q" * 20_000)
    assert answer.status == 401
    assert answer.header("connection") == "close"
    record = guarded.record()
    assert len(json.dumps(record)) < 6000
    assert ["x-more", "[40000 bytes, not kept]"] in record["request"]["headers"]
    guarded.stop()
    assert_clean(everything(tmp_path, guarded.output), [secret[:40]])


def test_an_endless_head_is_cut_off(guarded: Proxy) -> None:
    """Headers that do not end are answered with 431 at 256 KB, and a whole head over 64 KB as well."""
    whole = ask(guarded, {f"x-{number}": "v" * 8000 for number in range(9)})
    assert whole.status == 431
    with socket.create_connection(("127.0.0.1", guarded.port), 10) as raw:
        raw.sendall(b"POST /v1/messages HTTP/1.1\r\nx: " + b"v" * (256 * 1024 - 32))
        time.sleep(0.3)
        raw.sendall(b"v" * 64)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"invalid_request_error"' in answer
    guarded.wait_output("refused without a record: 1 with 431")


def test_many_strangers_leave_few_records(guarded: Proxy) -> None:
    """A flood without tokens is refused, a minute of it leaves 60 records, and the rest is counted."""
    for _ in range(90):
        assert ask(guarded, {}).status == 401
    guarded.stop()
    assert 60 <= len(guarded.files("records")) <= 75
    counted = sum(int(number) for number in re.findall(r"(\d+) with 401", guarded.output))
    assert len(guarded.files("records")) + counted == 90


def test_many_silent_connections_shut_nobody_out(guarded: Proxy, upstream: Upstream, ann: str) -> None:
    """Of connections that show no token 256 are held, also with a body under way; whoever has one gets through."""
    head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{"
    silent = [socket.create_connection(("127.0.0.1", guarded.port), 10) for _ in range(300)]
    try:
        for number, raw in enumerate(silent):
            raw.setblocking(True)
            if number % 2:
                with contextlib.suppress(ConnectionError):
                    raw.sendall(head)
        assert ask(guarded, {"x-capture-token": ann}).status == 200
        deadline = time.monotonic() + 10
        while (closed := sum(is_closed(raw) for raw in silent)) < 44:
            assert time.monotonic() < deadline, closed
            time.sleep(0.1)
        assert closed < 60
    finally:
        for raw in silent:
            raw.close()


def is_closed(raw: socket.socket) -> bool:
    raw.setblocking(False)
    try:
        return raw.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
