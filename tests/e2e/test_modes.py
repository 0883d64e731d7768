"""Other ways to run it: regular mode, a path prefix, what is printed, a store that fails, what user interfaces show."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from mitmproxy import flowfilter, http

from tests.e2e.proxy import Proxy, running, scrubbed_environment
from tests.e2e.wire import call
from tests.upstream import Upstream, serving

BODY = json.dumps(
    {"model": "claude-opus-5-5", "max_tokens": 64, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
).encode()
MESSAGES = "/v1/messages"


def ask(proxy: Proxy, scenario: str = "text", path: str = MESSAGES) -> int:
    return call(proxy.port, "POST", path, [("x-scenario", scenario)], BODY).status


def test_path_prefix(tmp_path: Path) -> None:
    """The path of the upstream stands before each request's own; the record tells what the client sent."""
    with serving() as upstream:
        options = ["--set", f"claude_upstream={upstream.url}/team-a/"]
        with running(upstream.url, tmp_path, *options) as proxy:
            assert ask(proxy, path="/v1/messages?beta=true") == 200
            assert upstream.requests[0].target == "/team-a/v1/messages?beta=true"
            assert proxy.record()["request"]["path"] == "/v1/messages?beta=true"


def test_log_json(tmp_path: Path) -> None:
    """`claude_log=json` with `-q` prints one JSON object a call and nothing else on stdout."""
    with serving() as upstream, running(upstream.url, tmp_path, "--set", "claude_log=json") as proxy:
        ask(proxy)
        ask(proxy, "error_529")
        proxy.records(2)
        proxy.stop()
        lines = [json.loads(line) for line in proxy.output.splitlines() if line.startswith("{")]
    assert [line["outcome"] for line in lines] == ["complete", "api_error"]
    assert lines[0]["output_tokens"] == 12
    assert lines[0]["cost_usd"] == "0.00814"


def test_log_verbose_and_off(tmp_path: Path) -> None:
    """`verbose` shows redacted headers and the payload; `off` prints no call."""
    for form, shown in (("verbose", True), ("off", False)):
        with serving() as upstream, running(upstream.url, tmp_path / form, "--set", f"claude_log={form}") as proxy:
            call(proxy.port, "POST", MESSAGES, [("x-api-key", "k" * 20)], BODY)
            record = proxy.record()
            proxy.stop()
            assert (record["id"] in proxy.output) is shown
            assert ('"hello"' in proxy.output) is shown
            assert ("[redacted]" in proxy.output) is shown


def test_a_store_that_fails_spools_and_drains(tmp_path: Path) -> None:
    """While the store cannot be written calls go on and objects are spooled; the next start sends them."""
    spool = tmp_path / "spool"
    options = ["--set", f"claude_spool={spool}"]
    with serving() as upstream:
        with running(upstream.url, tmp_path, *options) as proxy:
            blocked = proxy.store / "records"
            blocked.write_text("in the way of a directory")
            assert ask(proxy) == 200
            proxy.wait_output(r"spooled records/date=\S+ until \S+ takes it: ")
            proxy.stop()
            assert "store: 1 spooled, 0 sent later, 0 lost" in proxy.output
            assert list(spool.rglob("*.json"))
        blocked.unlink()
        with running(upstream.url, tmp_path, *options) as proxy:
            assert proxy.record()["outcome"] == "complete"
            proxy.wait_output("sent 1 spooled objects to ")
            assert not list(spool.rglob("*.json"))


def test_flows_carry_the_verdict(tmp_path: Path) -> None:
    """Comment, marker and filterable metadata stand in the flow that other addons and user interfaces see."""
    seen = tmp_path / "seen.mitm"
    with serving() as upstream, running(upstream.url, tmp_path, "-w", str(seen)) as proxy:
        ask(proxy)
        ask(proxy, "error_529")
        proxy.records(2)
        proxy.stop()
    from mitmproxy.io import FlowReader

    with seen.open("rb") as file:
        good, bad = FlowReader(file).stream()
    assert good.comment.startswith("complete · opus-5-5 · ")
    assert bad.comment.startswith("⚠ api_error 529 overloaded_error")
    assert (good.marked, bad.marked) == ("", ":warning:")
    assert flowfilter.match("~meta claude.outcome:.*api_error", bad)
    assert isinstance(good, http.HTTPFlow)
    assert good.response is not None
    assert good.response.content, "the streamed body is there for user interfaces"


def test_regular_mode_captures_the_api_and_nothing_else(tmp_path: Path) -> None:
    """As a forward proxy it records calls to api.anthropic.com; other traffic passes and makes no record."""
    with serving() as upstream, serving() as other:
        script = tmp_path / "redirect.py"
        script.write_text(
            "def server_connect(data):\n"
            "    if data.server.address[0] == 'api.anthropic.com':\n"
            f"        data.server.address = ('127.0.0.1', {upstream.port})\n"
        )
        store = tmp_path / "captures"
        command = [
            Path(sys.executable).with_name("mitmdump"), "-s", Path(__file__).parents[2] / "addons" / "claude.py",
            "-s", script, "--mode", "regular@127.0.0.1:0", "--set", f"confdir={tmp_path / 'conf'}",
            "--set", f"claude_store={store}",
        ]  # fmt: skip
        proxy = Proxy([str(part) for part in command], scrubbed_environment(tmp_path / "home"), store)
        try:
            proxy.wait_ready()
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.url}))
            opener.open(urllib.request.Request("http://api.anthropic.com/v1/messages", BODY), timeout=10).read()
            opener.open(f"{other.url}/v1/models", timeout=10).read()
            assert proxy.record()["outcome"] == "complete"
            assert len(upstream.requests) == len(other.requests) == 1
        finally:
            proxy.stop()
        assert len(proxy.files("records")) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean(tmp_path: Path, how: signal.Signals) -> None:
    """Stopping prints no traceback and exits with 0."""
    with serving() as upstream, running(upstream.url, tmp_path) as proxy:
        ask(proxy)
        assert proxy.stop(how) == 0
        assert "Traceback" not in proxy.output


def test_mitmweb_serves_records_too(tmp_path: Path, upstream: Upstream) -> None:
    """Under mitmweb calls are recorded alike, and its list shows the verdict as comment."""
    store = tmp_path / "captures"
    command = [
        str(Path(sys.executable).with_name("mitmweb")), "-s", str(Path(__file__).parents[2] / "addons" / "claude.py"),
        "--mode", f"reverse:{upstream.url}@127.0.0.1:0", "--set", f"confdir={tmp_path / 'conf'}", "--no-web-open-browser",
        "--set", "web_port=0", "--set", "web_password=look", "--set", f"claude_store={store}",
    ]  # fmt: skip
    proxy = Proxy(command, scrubbed_environment(tmp_path / "home"), store)
    try:
        proxy.wait_ready()
        assert ask(proxy) == 200
        assert proxy.record()["outcome"] == "complete"
    finally:
        proxy.stop()


def test_a_closed_terminal_keeps_the_records(tmp_path: Path) -> None:
    """SIGHUP ends the proxy like SIGTERM: what is under way is recorded, and it exits with 0."""
    with serving(default="hang") as upstream, running(upstream.url, tmp_path) as proxy:
        clients = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(5)]
        for client in clients:
            client.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        upstream.wait(lambda requests: len(requests) == 5)
        assert proxy.stop(signal.SIGHUP) == 0
        assert {record["outcome"] for record in proxy.records(5)} == {"shutdown"}
        for client in clients:
            client.close()


def test_connections_are_not_told(tmp_path: Path) -> None:
    """By default mitmproxy's lines for each connection and stream are left out; `-v` brings them back."""
    for more, shown in (([], False), (["-v"], True)):
        with serving() as upstream, running(upstream.url, tmp_path / str(shown), *more) as proxy:
            ask(proxy)
            proxy.record()
            proxy.stop()
            for line in ("client connect", "server connect", "client disconnect", "Streaming response"):
                assert (line in proxy.output) is shown, line


def started_on(output: int, tmp_path: Path, upstream: Upstream, port: int, *options: str) -> subprocess.Popen[bytes]:
    """A mitmdump that prints into a file descriptor."""
    command: list[str | Path] = [
        Path(sys.executable).with_name("mitmdump"), "-s", Path(__file__).parents[2] / "addons" / "claude.py",
        "--mode", f"reverse:{upstream.url}@127.0.0.1:{port}", "--set", f"confdir={tmp_path / 'conf'}",
        "--set", f"claude_store={tmp_path / 'captures'}", *options,
    ]  # fmt: skip
    home = scrubbed_environment(tmp_path / "home")
    return subprocess.Popen(command, env=home, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask_until_up(port: int, headers: list[tuple[str, str]]) -> int:
    deadline = time.monotonic() + 30
    while True:
        try:
            return call(port, "POST", MESSAGES, headers, BODY).status
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def test_nobody_reads_what_is_printed(tmp_path: Path) -> None:
    """A pipe that is full holds up neither calls nor the end of the process."""
    reader, writer = os.pipe()
    with serving() as upstream:
        process = started_on(writer, tmp_path, upstream, port := free_port(), "--set", "claude_log=verbose")
        try:
            assert ask_until_up(port, []) == 200
            for _ in range(40):  # each prints over 2 KB, a pipe holds 64
                assert call(port, "POST", MESSAGES, [("x-padding", "x" * 2000)], BODY).status == 200
            process.terminate()
            assert process.wait(15) == 0
        finally:
            process.kill()
    os.close(writer)
    os.set_blocking(reader, False)
    assert len(os.read(reader, 1 << 20)) > 30_000, "the pipe was filled"
    os.close(reader)
    assert len(list((tmp_path / "captures" / "records").glob("*/*.json"))) == 41


def test_the_reader_of_the_log_goes_away(tmp_path: Path) -> None:
    """A log piped into a program that ends does not end the proxy."""
    reader, writer = os.pipe()
    with serving() as upstream:
        process = started_on(writer, tmp_path, upstream, port := free_port())
        os.close(writer)
        try:
            assert ask_until_up(port, []) == 200
            os.close(reader)
            for _ in range(3):
                assert call(port, "POST", MESSAGES, [], BODY).status == 200
            assert process.poll() is None
            process.terminate()
            assert process.wait(15) == 0
        finally:
            process.kill()
    assert len(list((tmp_path / "captures" / "records").glob("*/*.json"))) == 4


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"]
)
def test_interim_answers(tmp_path: Path, interim: bytes) -> None:
    """An interim answer of upstream is not taken for the final one, which arrives and is recorded."""
    final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                received = b""
                while not received.endswith(BODY):
                    received += connection.recv(65536)
                connection.sendall(interim)
                time.sleep(0.1)
                connection.sendall(interim + final)
                connection.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with running(f"http://127.0.0.1:{server.getsockname()[1]}", tmp_path) as proxy:
            answer = call(proxy.port, "POST", MESSAGES, [], BODY)
            assert (answer.status, answer.body) == (200, b"{}")
            record = proxy.record()
            assert record["response"]["status"] == 200
        thread.join(5)
