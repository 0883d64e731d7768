"""What `scripts/run` and `mitmclaude run` add to a command line."""

import pytest

from mitmclaude.arguments import completed

API = "https://api.anthropic.com"
MODE = ["--mode", f"reverse:{API}"]
PORT = ["--listen-port", "8082"]
HOST = ["--listen-host", "127.0.0.1"]


def added(*given: str, exists: str = "", **environment: str) -> list[str]:
    result = completed(given, environment, lambda path: path == exists)
    assert result[: len(given)] == list(given)
    return result[len(given) :]


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ([], MODE + PORT + HOST),
        (["-q", "-w", "file", "--set", "claude_log=json", "~u x"], MODE + PORT + HOST),
        (["--listen-port", "9"], MODE + HOST),
        (["-p9"], MODE + HOST),
        (["--set", "listen_port=9"], MODE + HOST),
        (["--listen-host=0.0.0.0"], MODE + PORT),
        (["--set=listen_host=0.0.0.0"], MODE + PORT),
        (["--mode", "regular@8080"], HOST),
        (["-m", "reverse:http://x@127.0.0.1:9"], HOST),
        (["--set", "mode=regular"], HOST),
        (["-n"], []),
        (["--no-server"], []),
        (["--set", "claude_upstream=http://gw:4000/team"], ["--mode", "reverse:http://gw:4000", *PORT, *HOST]),
        (["--set", "claude_upstream=ftp://x"], []),
        (["--mode"], []),
    ],
)
def test_only_what_is_open_is_added(given: list[str], more: list[str]) -> None:
    """Whatever the user gives stays and wins; what cannot be told is left to the addon."""
    assert added(*given) == more


def test_the_environment_names_the_upstream() -> None:
    """`CLAUDE_UPSTREAM` counts where no option does."""
    assert added(CLAUDE_UPSTREAM="gw.example.com/a")[:2] == ["--mode", "reverse:https://gw.example.com"]
    given = ["--set", "claude_upstream=https://b"]
    assert added(*given, CLAUDE_UPSTREAM="https://a")[:2] == ["--mode", "reverse:https://b"]


def test_a_config_file_wins() -> None:
    """Where mitmproxy's config.yaml may set anything, nothing is added."""
    assert added(exists="~/.mitmproxy/config.yaml") == []
    assert added("--set", "confdir=/c", exists="/c/config.yml") == []
    assert added("--set", "confdir=/c", exists="~/.mitmproxy/config.yaml") == MODE + PORT + HOST


@pytest.mark.parametrize(
    "mode", ["reverse:https://u:secret@h", "reverse:u:secret@h:443", "upstream:http://u:s@h:1@127.0.0.1:8080"]
)
def test_a_password_in_a_mode_is_refused(mode: str) -> None:
    """mitmproxy would refuse such a mode as well, and print it."""
    with pytest.raises(ValueError, match="takes no user and password") as raised:
        added("--mode", mode)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "mode",
    ["reverse:https://h:443@127.0.0.1:9", "reverse:h@9", "reverse:http://[::1]:1@[::1]:2", "regular@127.0.0.1:8080"],
)
def test_an_address_to_listen_on_is_none(mode: str) -> None:
    """What stands after the "@" of a mode is where it listens."""
    assert added("--mode", mode) == HOST
