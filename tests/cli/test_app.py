"""The command `mitmclaude` itself: its version, its help, and what a token prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mitmclaude import __version__, auth
from tests.cli.conftest import Run

ADDONS = Path(__file__).parents[2] / "addons"


def test_version(mitmclaude: Run) -> None:
    """--version prints name and version."""
    done = mitmclaude("--version")
    assert (done.stdout, done.returncode) == (f"mitmclaude {__version__}\n", 0)
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


@pytest.mark.parametrize("arguments", [["--version"], ["schema"]])
def test_module(arguments: list[str], tmp_path: Path, mitmclaude: Run) -> None:
    """`python -m mitmclaude` is the same command, in a checkout as well."""
    command = [sys.executable, "-m", "mitmclaude", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=ADDONS)
    assert done.stdout == mitmclaude(*arguments).stdout


def test_without_arguments(mitmclaude: Run, tmp_path: Path) -> None:
    """It prints its help, and where the store is."""
    done = mitmclaude()
    assert done.returncode == 0
    assert "Usage: mitmclaude" in done.stdout
    where = tmp_path / "home" / ".local" / "share" / "mitmclaude" / "captures"
    store, cache = done.stdout.splitlines()[-2:]
    assert store == f"The store is {where}, where nothing is yet."
    assert cache.startswith(f"What is read of it is kept in {tmp_path / 'home' / '.cache' / 'mitmclaude' / 'library'}")
    where.mkdir(parents=True)
    assert mitmclaude().stdout.splitlines()[-2] == f"The store is {where}."
    told = mitmclaude(CLAUDE_STORE="s3://bucket/team?endpoint=http://u:p@host,dynamodb://calls?ttl_days=3").stdout
    assert told.splitlines()[-2] == "The store is s3://bucket/team,dynamodb://calls."


def test_token_new(mitmclaude: Run, tmp_path: Path) -> None:
    """stdout has the token alone, for a variable or a file; what to do with it is on stderr, without the token."""
    done = mitmclaude("token", "new", "ann", "--tokens", f"file:{tmp_path}/tokens.json")
    token = done.stdout.removesuffix("\n")
    table = auth.parse((tmp_path / "tokens.json").read_bytes())
    assert isinstance(auth.identify(((b"x-capture-token", token.encode()),), table, injected=False), auth.Principal)
    assert "export ANTHROPIC_BASE_URL=URL" in done.stderr
    assert token not in done.stderr


def test_tokens_that_cannot_be_had(mitmclaude: Run, tmp_path: Path) -> None:
    """What is wrong is told in one line, with the place that was looked at."""
    long = tmp_path / ("long" * 50)
    for arguments, told, status in (
        (("list", "--tokens", f"file:{long}"), f"no token in file:{long}", 1),
        (("list", "--tokens", "sk-ant-x"), "--tokens: wanted file:PATH, env:NAME, secretsmanager:ID or ssm:NAME", 2),
        (("list", "--tokens", f"file:{tmp_path}"), f"file:{tmp_path}: Is a directory", 1),
        (("revoke", "ann", "--tokens", f"file:{long}"), f"file:{long}: ann has no token to revoke", 1),
    ):
        done = mitmclaude("token", *arguments)
        assert (done.stderr, done.returncode) == (f"mitmclaude: {told}\n", status)
