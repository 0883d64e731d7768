"""Starting: what is opened, what is said, and what stops it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.proxy import Proxy, free_port, scrubbed_environment

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "addons" / "claude.py"
BIN = Path(sys.executable).parent

WATCH_BINDS = """
import os, sys
is_second = "MITMCLAUDE_STARTED_AGAIN" in os.environ
def watch(event, arguments):
    if event == "socket.bind":
        with open(os.environ["BINDS"], "a") as file:
            file.write(f"{arguments[1]}\\n")
    if "SIGNAL_AT" in os.environ and event in ("import", "os.exec", "open"):
        number, again, at = os.environ["SIGNAL_AT"].split()
        where = {"import": arguments[0], "open": str(arguments[0]).rpartition("/")[2]}.get(event, event)
        if at == where and is_second is (again == "again"):
            del os.environ["SIGNAL_AT"]
            os.kill(os.getpid(), int(number))
sys.addaudithook(watch)
"""
"""Run in each process that starts: writes every address that is bound, and sends itself a signal where it is asked to."""


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


BODY = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}).encode()
REQUEST = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


def answer_at_once(port: int) -> bytes:
    """What a client gets that connects as soon as the port opens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as client:
            client.settimeout(20)
            if client.connect_ex(("127.0.0.1", port)):
                time.sleep(0.0005)
                continue
            client.sendall(REQUEST)
            answer = b""
            while content := client.recv(65536):
                answer += content
            return answer
    raise AssertionError("the port did not open")


@pytest.mark.parametrize("tool", ["mitmdump", "mitmweb"])
@pytest.mark.parametrize("mode", ["given", "left open"])
def test_calls_while_it_starts(tmp_path: Path, tool: str, mode: str) -> None:
    """Clients that call before the start is over are answered by us and recorded, and the process stays alive.

    The upstream is https and closed; mitmproxy's certificates are there already from the first start on.
    """
    for number in range(2):
        store, port, closed = tmp_path / f"captures{number}", free_port(), free_port()
        upstream = f"https://127.0.0.1:{closed}"
        where = ["--mode", f"reverse:{upstream}@127.0.0.1:{port}"]
        if mode != "given":
            where = ["--listen-port", str(port), "--set", f"claude_upstream={upstream}"]
        web = ["--set", f"web_port={free_port()}", "--no-web-open-browser"] if tool == "mitmweb" else []
        command = [str(BIN / tool), "-s", str(SCRIPT), "--set", f"claude_store={store}", *where, *web]
        proxy = Proxy(command, scrubbed_environment(tmp_path / "home"), store)
        try:
            for _ in range(3):
                answer = answer_at_once(port)
                assert answer.startswith(b"HTTP/1.1 502 "), (answer, proxy.output)
                assert f"127.0.0.1:{closed}: ".encode() in answer, "the answer names the host"
            assert {record["outcome"] for record in proxy.records(3)} == {"unreachable"}
            assert proxy.process.poll() is None
        finally:
            proxy.stop()
        assert proxy.output.count("Loading script") == 1


def test_clients_that_leave_while_it_starts(tmp_path: Path) -> None:
    """A client that comes and goes, or talks nonsense, before the start is over leaves no error."""
    store, port = tmp_path / "captures", free_port()
    command = [str(BIN / "mitmdump"), "-s", str(SCRIPT), "--set", f"claude_store={store}"]
    where = ["--mode", f"reverse:http://127.0.0.1:{free_port()}@127.0.0.1:{port}"]
    proxy = Proxy([*command, *where], scrubbed_environment(tmp_path / "home"), store)
    try:
        for sent in (b"", b"nonsense\r\n\r\n", REQUEST) * 10:
            with socket.socket() as client:
                while client.connect_ex(("127.0.0.1", port)):
                    time.sleep(0.0005)
                client.sendall(sent)
        assert answer_at_once(port).startswith(b"HTTP/1.1 502 ")
        assert proxy.process.poll() is None
    finally:
        proxy.stop()
    assert "Traceback" not in proxy.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize(
    "at",
    ["first mitmproxy.tools.dump", "first config.yaml", "first mitmclaude", "first mitmclaude.addons.validate", "first os.exec", "again mitmproxy", "again mitmclaude", "again mitmclaude.addons.validate"],
)  # fmt: skip
def test_a_signal_at_any_moment_of_the_start_ends_it(
    environment: dict[str, str], number: signal.Signals, at: str
) -> None:
    """Also where the process is about to be replaced by its second start."""
    (folder := Path(environment["HOME"], ".mitmproxy")).mkdir()
    (folder / "config.yaml").write_text("flow_detail: 0")
    environment["SIGNAL_AT"] = f"{int(number)} {at}"
    process = subprocess.Popen(
        [BIN / "mitmdump", "-s", SCRIPT, "--listen-port", str(free_port())],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(30)
    finally:
        process.kill()


def test_a_port_that_is_taken(environment: dict[str, str]) -> None:
    """One line says which port is taken, and which option chooses another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for where, option in (
            (["--listen-port", str(port)], "--listen-port PORT"),
            (
                ["--listen-port", str(port), "--listen-host", "localhost", "--mode", "reverse:http://x"],
                "--listen-port PORT",
            ),
            (["--mode", f"reverse:http://x@127.0.0.1:{port}"], "--mode …@PORT"),
        ):
            done = subprocess.run(
                [BIN / "mitmdump", "-s", SCRIPT, *where],
                env=environment, cwd=environment["HOME"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
            )  # fmt: skip
            assert done.returncode == 1
            told = re.findall(r"mitmclaude: port .*", done.stdout + done.stderr)
            assert [line.replace("localhost", "127.0.0.1") for line in told] == [
                f"mitmclaude: port {port} of 127.0.0.1 is taken: choose another with {option}"
            ]


def test_an_option_without_our_prefix_is_told(environment: dict[str, str]) -> None:
    """`--set store=x` starts, as it may be meant for another script, and says which option it is close to."""
    options = ["--set", "store=x", "--set", "unlike_any=1", "--listen-port", str(free_port())]
    with started(environment, "mitmdump", *options) as output:
        assert "unknown option store: did you mean claude_store?" in output
        assert "unlike_any" not in output


def test_a_password_is_never_printed(environment: dict[str, str]) -> None:
    """Neither one in `claude_upstream` nor one in a mode given to `mitmclaude run`."""
    code, stderr = failed(environment, "--set", "claude_upstream=https://user:secret@gw.example.com")
    assert (code, "secret" in stderr) == (1, False)
    command = [
        sys.executable,
        "-c",
        "from mitmclaude.cli import app; app()",
        "run",
        "--mode",
        "reverse:https://user:secret@x",
    ]
    done = subprocess.run(
        command, env={**environment, "PYTHONPATH": str(ROOT / "addons")}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert done.stderr == "mitmclaude: --mode takes no user and password: leave them out\n"


def test_what_callers_need_is_printed(environment: dict[str, str]) -> None:
    """With tokens and on all interfaces: the variables that carry a token, and an address that others can reach."""
    tokens = Path(environment["HOME"]) / "tokens.json"
    tokens.write_text(json.dumps({"tokens": {"ann": {"sha256": "0" * 64}}}))
    environment["KEY"] = "sk-ant-" + "api03-" + "x" * 20
    options = ["--listen-host", "0.0.0.0", "--set", f"claude_tokens=file:{tokens}", "--set", "claude_org_key=env:KEY"]
    process = subprocess.Popen(
        [BIN / "mitmdump", "-s", SCRIPT, "--listen-port", str(free_port()), *options],
        env=environment, cwd=environment["HOME"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    output = ""
    try:
        for line in process.stdout or ():
            output += line
            if "others can reach it" in line:
                break
    finally:
        process.terminate()
        process.wait(10)
    assert 'export ANTHROPIC_CUSTOM_HEADERS="x-capture-token: mcl_…"' in output
    assert "export ANTHROPIC_AUTH_TOKEN=mcl_…" in output
    assert re.search(r"export ANTHROPIC_BASE_URL=http://(?!0\.0\.0\.0|\[?::)[\w.:\[\]-]+:\d+\n", output)
    assert "whoever holds a token" in output


def test_run_starts_once(environment: dict[str, str]) -> None:
    """`mitmclaude run` writes out mode and address, so that mitmdump need not start again."""
    port = free_port()
    environment["PYTHONPATH"] += f":{ROOT / 'addons'}"
    code = "from mitmclaude.cli import app; app()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "--listen-port", str(port)],
        env=environment, cwd=environment["HOME"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    output = ""
    try:
        for line in process.stdout or ():
            output += line
            if "ENABLE_TOOL_SEARCH" in line:
                break
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0") if Path("/proc/self").exists() else []
    finally:
        process.terminate()
        process.wait(10)
    assert f"listens on http://127.0.0.1:{port}" in output
    assert output.count("Loading script") == 1
    assert not arguments or arguments[-5:-1] == [
        "--mode",
        "reverse:https://api.anthropic.com",
        "--listen-host",
        "127.0.0.1",
    ]
    assert "termlog_verbosity=warn" not in arguments
