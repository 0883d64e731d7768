"""The `mitmclaude` command, on what was really captured, and from an installed wheel."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mitmclaude import __version__
from tests.e2e.proxy import ROOT, Proxy, running, scrubbed_environment
from tests.e2e.wire import call
from tests.upstream import serving

BODY = json.dumps(
    {"model": "claude-opus-5-5", "max_tokens": 64, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
).encode()
SESSIONS = ("aaaa1111", "bbbb2222")


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy that has captured two calls and was stopped."""
    with serving() as upstream, running(upstream.url, tmp_path_factory.mktemp("cli")) as proxy:
        for session in SESSIONS:
            call(proxy.port, "POST", "/v1/messages", [("x-claude-code-session-id", session)], BODY)
        proxy.records(2)
        proxy.stop()
        yield proxy


def mitmclaude(*arguments: str, store: Path | None = None) -> "subprocess.CompletedProcess[str]":
    where = ["--store", str(store)] if store else []
    command = [str(Path(sys.executable).with_name("mitmclaude")), *arguments, *where]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"})


def test_list(captured: Proxy) -> None:
    """The newest records, newest last; fewer, or one session's, where asked for."""
    lines = mitmclaude("list", store=captured.store).stdout.splitlines()
    assert [session in line for session, line in zip(SESSIONS, lines, strict=True)] == [True, True]
    assert "complete" in lines[0]
    assert len(mitmclaude("list", "-n", "1", store=captured.store).stdout.splitlines()) == 1
    assert SESSIONS[0] in mitmclaude("list", "--session", "aaaa", store=captured.store).stdout


def test_show(captured: Proxy) -> None:
    """One record by the end of its id; a name that fits none or several is told."""
    record_id = captured.files("records")[0].stem
    shown = mitmclaude("show", record_id[-6:], "--raw", store=captured.store)
    assert json.loads(shown.stdout)["id"] == record_id
    assert record_id in mitmclaude("show", record_id[-6:], store=captured.store).stdout
    wrong = mitmclaude("show", "nothing", store=captured.store)
    assert wrong.returncode == 1
    assert f"no record has an id that begins or ends with 'nothing' in {captured.store}: wanted one" in wrong.stderr


def test_flow_and_har(captured: Proxy, tmp_path: Path) -> None:
    """Raw flows go into one file that mitmproxy reads, and exports as HAR."""
    ids = [path.name.partition(".")[0] for path in captured.files("flows")]
    out, har = tmp_path / "calls.mitm", tmp_path / "calls.har"
    assert mitmclaude("flow", *ids, "-o", str(out), store=captured.store).stdout == f"2 flows in {out}\n"
    mitmdump = str(Path(sys.executable).with_name("mitmdump"))
    options = ["-n", "-r", str(out), "--set", f"hardump={har}", "--set", f"confdir={tmp_path / 'conf'}"]
    done = subprocess.run([mitmdump, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    entries = json.loads(har.read_text())["log"]["entries"]
    assert [entry["response"]["status"] for entry in entries] == [200, 200]
    assert "message_stop" in entries[0]["response"]["content"]["text"]
    assert "hello" in entries[0]["request"]["postData"]["text"]


def test_help_helps() -> None:
    """Each subcommand says what it does."""
    for arguments in ((), ("list",), ("show",), ("flow",), ("run",), ("schema",), ("token",), ("token", "new")):
        done = mitmclaude(*arguments, "--help")
        assert done.returncode == 0
        assert "Usage: mitmclaude" in done.stdout


def test_the_wheel(tmp_path: Path) -> None:
    """A built wheel installs, has its command, its script and its addons."""
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "uv is neither on PATH nor named by UV: scripts/test puts it there"
    environment = scrubbed_environment(tmp_path / "home") | {
        name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_", "PIP_"))
    }
    environment["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
    build = [uv, "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, env=environment, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"mitmclaude-{__version__}-")
    program = (
        "import mitmclaude.cli.run as r; from mitmclaude.addons import default_addons;"
        "print(r.script().name, r.script().parent.name, len(default_addons()))"
    )
    ran = [
        uv,
        "run",
        "--isolated",
        "--no-project",
        "--quiet",
        "--python",
        sys.executable,
        "--with",
        str(wheel),
        "python",
        "-c",
        program,
    ]
    done = subprocess.run(ran, check=True, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=170)
    assert done.stdout.split()[:2] == ["claude.py", "script"]
