"""Other ways to run it: regular mode, a path prefix, what is printed, a store that fails, what user interfaces show."""

import json
import signal
import sys
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
