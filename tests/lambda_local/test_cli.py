"""The command: what it takes, what it prints, how it ends."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.lambda_local import cli

from tests.e2e.wire import call
from tests.lambda_local.conftest import TOY

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).parents[2] / "scripts" / "lambda-local"


def test_a_run(adapter_binary: Path, tmp_path: Path) -> None:
    """The URL is the first line; the log is where it was asked for; SIGTERM ends the function and the command."""
    log = tmp_path / "log"
    options = [
        "--adapter",
        str(adapter_binary),
        "--env",
        "AWS_LWA_READINESS_CHECK_PATH=/ready",
        "--json-log",
        "--log",
        str(log),
    ]
    process = subprocess.Popen([SCRIPT, *options, "--", *TOY], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("listening on http://127.0.0.1:")
        assert call(int(first.rpartition(":")[2]), "GET", "/ready").body == b"ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    texts = [line["text"] for line in lines]
    assert [text.split()[0] for text in texts if text.isupper() or "RequestId" in text] == ["START", "END", "REPORT"]
    assert {"environment": 1, "source": "runtime"}.items() <= lines[texts.index("toy: got SIGTERM")].items()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "wanted either --adapter"),
        (["--adapter", sys.executable], "wanted a runtime COMMAND"),
        (["--adapter", "/nowhere", "--", "x"], "is not an executable"),
        (["--adapter", sys.executable, "--image", "x", "--", "x"], "wanted either"),
    ],
    ids=["nothing", "no-command", "no-adapter", "both"],
)
def test_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that do not fit are refused with what was wanted."""
    with pytest.raises(SystemExit):
        cli.settings(arguments)
    assert said in capsys.readouterr().err


def test_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """All behind the first -- is the command; --env takes a value, or a name of our own environment."""
    monkeypatch.setenv("FROM_HERE", "here")
    words = ["--image", "i", "--env", "A=b=c", "--env", "FROM_HERE", "--timeout", "3", "--no-strict-empty", "--"]
    made, _ = cli.settings([*words, "app", "--timeout", "--", "9"])
    assert made.command == ("app", "--timeout", "--", "9")
    assert made.env == {"A": "b=c", "FROM_HERE": "here"}
    assert (made.timeout, made.strict_empty, made.image) == (3, False, "i")


def test_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is said in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.main(["--image", "i", "--url-port", str(taken.getsockname()[1])]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("lambda-local: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
