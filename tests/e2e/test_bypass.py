"""Whatever other addons do, nothing goes upstream that was not captured, checked and let in."""

import json
from pathlib import Path

import pytest

from tests.e2e.proxy import SCRIPT, running
from tests.e2e.tokens import BODY, ask
from tests.e2e.wire import Client
from tests.upstream import serving

pytestmark = pytest.mark.xdist_group("access")

RAISING = """
class Bad:
    def {hook}(self, event):
        if {when}:
            raise {error}
addons = [Bad()]
"""
IN_ALL = """
from mitmproxy import http
def fail(*_):
    raise ValueError("broken")
requestheaders = request = responseheaders = response = error = server_connect = client_disconnected = fail
"""
BY_HEADER = "'x-bad' in event.request.headers"


def before(folder: Path, source: str) -> tuple[Path, list[str]]:
    """A script that mitmproxy loads before ours, and the arguments that load ours."""
    script = folder / "first.py"
    script.write_text(source)
    return script, ["-s", str(SCRIPT), "--set", "claude_lean=off"]  # mitmproxy's own dispatch, which mitmweb has


@pytest.mark.parametrize("hook", ["requestheaders", "request"])
@pytest.mark.parametrize("error", ["ValueError('broken')", "__import__('mitmproxy').exceptions.AddonHalt()"], ids=["raises", "halts"])  # fmt: skip
def test_an_earlier_script_that_fails(tmp_path: Path, hook: str, error: str) -> None:
    """Where it keeps a request from being captured or checked, that request is refused and recorded; others pass."""
    script, ours = before(tmp_path, RAISING.format(hook=hook, when=BY_HEADER, error=error))
    with serving() as upstream, running(upstream.url, tmp_path, *ours, script=script) as proxy:
        with Client(proxy.port) as client:  # one connection: the upstream's is there when the bad request comes
            assert client.send("POST", "/v1/messages", [], BODY).answer().status == 200
            answer = client.send("POST", "/v1/messages", [("x-bad", "1")], b'{"model": 5}').answer()
        assert answer.status == 502
        assert json.loads(answer.body)["error"]["message"].startswith("mitmclaude: did not go upstream")
        assert len(upstream.requests) == 1
        assert [record["outcome"] for record in proxy.records(2)] == ["complete", "rejected"]
        assert ask(proxy, {"x-bad": "1"}, "/", b"", "HEAD").status in (200, 404)  # a probe goes on


@pytest.mark.parametrize("hook", ["requestheaders", "request"])
def test_an_earlier_script_that_fails_in_mitmdump(tmp_path: Path, hook: str) -> None:
    """With `claude_lean` it keeps nothing from us: the request is captured and checked all the same."""
    script, ours = before(tmp_path, RAISING.format(hook=hook, when=BY_HEADER, error="ValueError('broken')"))
    with serving() as upstream, running(upstream.url, tmp_path, *ours[:2], script=script) as proxy:
        assert ask(proxy, {"x-bad": "1"}, body=b'{"model": 5}').status == 400
        assert ask(proxy, {"x-bad": "1"}).status == 200
        assert len(upstream.requests) == 1
        assert [record["outcome"] for record in proxy.records(2)] == ["rejected", "complete"]


def test_a_stranger_finds_no_way_past_a_script_that_fails(tmp_path: Path, ann: str, tokens: Path) -> None:
    """With tokens a request whose token was not asked for is refused, also on a connection that has been let in."""
    script, ours = before(tmp_path, RAISING.format(hook="requestheaders", when=BY_HEADER, error="ValueError(1)"))
    options = [*ours, "--set", f"claude_tokens=file:{tokens}"]
    with serving() as upstream, running(upstream.url, tmp_path / "proxy", *options, script=script) as proxy:
        with Client(proxy.port) as client:
            assert client.send("POST", "/v1/messages", [("x-capture-token", ann)], BODY).answer().status == 200
            answer = client.send("POST", "/v1/messages", [("x-bad", "1"), ("x-api-key", "k" * 40)], BODY).answer()
        assert answer.status == 502
        assert ask(proxy, {"x-bad": "1"}, "/", b"", "HEAD").status == 502
        assert len(upstream.requests) == 1
        records = {record["outcome"]: record for record in proxy.records(3)[:2]}
        assert records["rejected"]["principal"] is None
        assert records["rejected"]["request"]["input"] is None


def test_a_script_that_fails_everywhere(tmp_path: Path, ann: str, tokens: Path) -> None:
    """A script that raises in every hook closes the proxy, and what it kept from its record gets one."""
    script, ours = before(tmp_path, IN_ALL)
    options = [*ours, "--set", f"claude_tokens=file:{tokens}"]
    with serving() as upstream, running(upstream.url, tmp_path / "proxy", *options, script=script) as proxy:
        for headers in ({}, {"x-capture-token": ann}):
            assert ask(proxy, headers).status == 502
        assert upstream.requests == []
        assert {record["outcome"] for record in proxy.records(2, timeout=15)} == {"rejected"}


def test_a_script_that_fails_at_the_end(tmp_path: Path) -> None:
    """A script that raises in `response` costs no record and no byte: both come a few seconds late."""
    script, ours = before(tmp_path, RAISING.format(hook="response", when="True", error="ValueError(1)"))
    with serving() as upstream, running(upstream.url, tmp_path, *ours, script=script) as proxy:
        assert ask(proxy, {}).status == 200
        assert proxy.records(1, timeout=15)[0]["outcome"] == "complete"


def test_a_script_that_streams_requests(tmp_path: Path) -> None:
    """A script that sends a body on before it is checked is stopped while malformed ones are refused."""
    script, ours = before(tmp_path, "def requestheaders(flow):\n    flow.request.stream = True\n")
    with serving() as upstream, running(upstream.url, tmp_path, *ours, script=script) as proxy:
        assert ask(proxy, {}).status == 502
        assert upstream.requests == []
        assert proxy.record()["outcome"] == "rejected"


def test_a_broken_reload_shuts_it(tmp_path: Path, ann: str, tokens: Path) -> None:
    """When a broken edit of the script unloads the addon that asks for tokens, nothing goes upstream any more."""
    ours = tmp_path / "claude.py"
    ours.write_text(f"import sys\nsys.path.insert(0, {str(SCRIPT.parent)!r})\n{SCRIPT.read_text()}")
    options = ["--set", f"claude_tokens=file:{tokens}"]
    with serving() as upstream, running(upstream.url, tmp_path / "proxy", *options, script=ours) as proxy:
        assert ask(proxy, {"x-capture-token": ann}).status == 200
        ours.write_text("this is no python")
        proxy.wait_output("SyntaxError|invalid syntax", 10)
        assert ask(proxy, {}).status == 502
        assert len(upstream.requests) == 1
