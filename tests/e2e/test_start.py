"""Starting: what is opened, what is said, and what stops it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "addons" / "claude.py"
BIN = Path(sys.executable).parent

WATCH_BINDS = """
import os, sys
def watch(event, arguments):
    if event == "socket.bind":
        with open(os.environ["BINDS"], "a") as file:
            file.write(f"{arguments[1]}\\n")
sys.addaudithook(watch)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A scrubbed environment whose Python processes write every address that they bind to `binds`."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCH_BINDS)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path / "site"),
        "PYTHONUNBUFFERED": "1",
        "BINDS": str(tmp_path / "binds"),
    }


@contextmanager
def started(environment: dict[str, str], tool: str, *arguments: str) -> Iterator[str]:
    """Start a tool of mitmproxy with the script; its output until our banner is complete."""
    process = subprocess.Popen(
        [BIN / tool, "-s", SCRIPT, *arguments],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = ""
    try:
        for line in process.stdout:
            output += line
            if "ENABLE_TOOL_SEARCH" in line or "NODE_EXTRA_CA_CERTS" in line:
                break
        time.sleep(0.2)  # whatever else it may open
        yield output
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def failed(environment: dict[str, str], *arguments: str, tool: str = "mitmdump") -> tuple[int, str]:
    """Exit code and stderr of a start that does not get far."""
    done = subprocess.run(
        [BIN / tool, "-s", SCRIPT, *arguments],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stderr


def binds(environment: dict[str, str]) -> set[str]:
    path = Path(environment["BINDS"])
    return set(path.read_text().splitlines()) if path.exists() else set()


@pytest.mark.parametrize("tool", ["mitmdump", "mitmweb"])
def test_no_other_port_is_ever_open(environment: dict[str, str], tool: str) -> None:
    """Started with the script alone, the tool binds our port on loopback and nothing else at any moment."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))  # whatever runs on mitmproxy's own port
            taken.listen()
        except OSError:
            pass  # something else has it already, which does as well
        port = free_port()
        web = ["--set", f"web_port={free_port()}", "--no-web-open-browser"] if tool == "mitmweb" else []
        with started(environment, tool, "--listen-port", str(port), *web) as output:
            assert f"mitmclaude listens on http://127.0.0.1:{port}" in output
    opened = binds(environment) - {f"('127.0.0.1', {web[1].partition('=')[2]})"} if web else binds(environment)
    assert opened == {f"('127.0.0.1', {port})"}


def test_default_port_and_first_lines(environment: dict[str, str]) -> None:
    """Without any option it listens on 8082, and says where, whither, where it stores and how to point at it."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8082)) == 0:
            pytest.fail("port 8082 is taken on this machine: the default cannot be tried")
    with started(environment, "mitmdump") as output:
        where = Path(environment["HOME"]) / ".local" / "share" / "mitmclaude" / "captures"
        assert f"listens on http://127.0.0.1:8082, forwards to https://api.anthropic.com, stores in {where}" in output
        assert "export ANTHROPIC_BASE_URL=http://127.0.0.1:8082" in output
        assert "export ENABLE_TOOL_SEARCH=true" in output
    assert binds(environment) == {"('127.0.0.1', 8082)"}


def test_upstream_with_a_path(environment: dict[str, str]) -> None:
    """Another gateway, from the environment, with its path."""
    environment["CLAUDE_UPSTREAM"] = "https://gw.example.com/team-a"
    with started(environment, "mitmdump", "--listen-port", str(free_port())) as output:
        assert "forwards to https://gw.example.com/team-a," in output


@pytest.mark.parametrize("where", [[], ["--listen-host", "127.0.0.1"]])
def test_a_given_mode_wins(environment: dict[str, str], where: list[str]) -> None:
    """A mode that the user gives stays, regular mode included, on loopback unless another host is asked for."""
    port = free_port()
    with started(environment, "mitmdump", "--mode", f"regular@{port}", *where) as output:
        assert f"captures calls to api.anthropic.com through the proxy http://127.0.0.1:{port}" in output
    assert binds(environment) == {f"('127.0.0.1', {port})"}


def test_other_interfaces_only_when_asked(environment: dict[str, str]) -> None:
    """All interfaces are opened for who names them, and then at once."""
    port = free_port()
    options = ["--set", "claude_auth=none", "--mode", f"reverse:http://x@{port}"]
    with started(environment, "mitmdump", "--listen-host", "0.0.0.0", *options):
        pass
    assert binds(environment) == {f"('0.0.0.0', {port})"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "claude_stroe=x"], "mitmclaude: unknown option claude_stroe: did you mean claude_store?"),
        (["--set", "claude_log=xml"], "mitmclaude: claude_log='xml': wanted one of line, json, emf, verbose, off"),
        (["--set", "claude_log"], "mitmclaude: claude_log='': wanted one of line, json, emf, verbose, off"),
        (["--set", "claude_log=json", "--set", "claude_log=off"], "mitmclaude: option claude_log is given 2 times: give it once"),
        (["--set", "claude_store=/proc/x"], "mitmclaude: claude_store: cannot write to the store /proc/x: No such file or directory"),
        (["--set", "claude_store=ftp://x"], "mitmclaude: claude_store: wanted a directory, memory:, s3://… or dynamodb://…, found 'ftp://x'"),
        (["--set", "stream_large_bodies=1m"], "mitmclaude: stream_large_bodies sends a request upstream before it is checked: leave it unset, or set claude_validation=observe"),
        (["--listen-host", "0.0.0.0"], "mitmclaude: listens on other than loopback without tokens: set claude_tokens (see `mitmclaude token --help`), or claude_auth=none to let everybody in"),
        (["--set", "claude_tokens=file:/nowhere"], "mitmclaude: claude_tokens: [Errno 2] No such file or directory: '/nowhere'"),
        (["--set", "claude_org_key=sk-ant-a-key-by-mistake"], "mitmclaude: claude_org_key: wanted file:PATH, env:NAME, secretsmanager:ID or ssm:NAME"),
        (["--set", "claude_store=/tmp/a,/tmp/b"], "mitmclaude: claude_store: in a list of stores a directory is written file:/path, found '/tmp/a,/tmp/b'"),
        (["--mode", "reverse:http://a", "--set", "claude_upstream=http://b"], "mitmclaude: --mode reverse:http://a and claude_upstream=http://b differ: give one of them"),
    ],
    ids=["unknown", "value", "no-value", "twice", "unwritable", "unknown-store", "streaming", "public", "no-tokens", "key-for-place", "list", "two-upstreams"],
)  # fmt: skip
def test_a_wrong_start_says_why(environment: dict[str, str], arguments: list[str], told: str) -> None:
    """A wrong option gives one clear line and a non-zero exit, and no port was opened."""
    code, stderr = failed(environment, *arguments)
    assert (code, stderr) == (1, told + "\n")
    assert binds(environment) <= {"('0.0.0.0', 8080)"}  # an address without a mode: see the README


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("claude_log: [json]", "mitmclaude: option claude_log in config.yaml: wanted a text, found ['json']"),
        ("claude_stroe: x", "mitmclaude: unknown option claude_stroe: did you mean claude_store?"),
        ("claude_capture: true", "mitmclaude: option claude_capture in config.yaml: wanted a text, found True"),
    ],
)
def test_a_wrong_config_file_says_why(environment: dict[str, str], text: str, told: str) -> None:
    """Options in mitmproxy's config.yaml are checked alike."""
    confdir = Path(environment["HOME"]) / "conf"
    confdir.mkdir()
    (confdir / "config.yaml").write_text(text)
    code, stderr = failed(environment, "--set", f"confdir={confdir}")
    assert (code, stderr) == (1, told + "\n")


def test_imports_at_start(environment: dict[str, str]) -> None:
    """What only some calls need is not imported at start-up."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import mitmclaude.addons; mitmclaude.addons.default_addons()"],
        env={**environment, "PYTHONPATH": str(ROOT / "addons")},
        capture_output=True,
        text=True,
        check=True,
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "mitmclaude.addons.recording" in modules
    heavy = {"boto3", "botocore", "duckdb", "genai_prices", "anthropic", "typer", "rich"}
    assert not {module.partition(".")[0] for module in modules} & heavy
