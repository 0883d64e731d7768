"""The options: parsed once, wrong ones told."""

import sys

import pytest

from mitmclaude import directories, options
from mitmclaude.options import Settings, Upstream


def parse(**given: str | None) -> Settings:
    values = {name: default for name, default, _ in options.declared({})}
    return options.parse({**values, **{f"claude_{name}": value for name, value in given.items()}})


def test_defaults() -> None:
    """Without any option: the API, a directory of the user, refusing, redacted, no tokens."""
    settings = parse()
    assert settings.upstream == Upstream("https://api.anthropic.com", "")
    assert (settings.store, settings.validation, settings.capture, settings.log) == (
        directories.captures({}, sys.platform),
        "enforce",
        "redacted",
        "line",
    )
    assert (settings.auth, settings.tokens, settings.org_key) == ("tokens", "", "")
    assert (settings.max_rate, settings.max_body) == (600, 32 * 1024 * 1024)


@pytest.mark.parametrize(
    ("url", "origin", "prefix"),
    [
        ("https://gw.example.com/team-a/", "https://gw.example.com", "/team-a"),
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000", ""),
        ("gw.example.com", "https://gw.example.com", ""),
        ("http://[::1]:4000/x/y", "http://[::1]:4000", "/x/y"),
    ],
)
def test_upstream(url: str, origin: str, prefix: str) -> None:
    """An upstream's path is kept apart from its origin."""
    assert parse(upstream=url).upstream == Upstream(origin, prefix)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("upstream", "ftp://x", "claude_upstream='ftp://x': wanted a URL such as"),
        ("upstream", "", "wanted a URL"),
        ("upstream", "https://u:p@x", "without query, fragment or credentials"),
        ("upstream", "https://x:99999", "wanted a port"),
        ("validation", "strict", "claude_validation='strict': wanted one of enforce, observe, off"),
        ("capture", None, "wanted one of full, redacted, metadata"),
        ("log", "xml", "wanted one of line, json, emf, verbose, off"),
        ("max_rate", "-1", "wanted a whole number"),
        ("max_body", "0", "wanted a size"),
        ("max_body", "1g", "wanted a size"),
        ("store", "", "wanted a value"),
        ("fingerprint_key", "short-secret", "claude_fingerprint_key=…: wanted at least 16 characters"),
    ],
)
def test_wrong_values_are_told(name: str, value: str | None, told: str) -> None:
    """A wrong value gives one line with what was found and what was wanted; a secret is not repeated."""
    with pytest.raises(ValueError) as caught:
        parse(**{name: value})
    assert told in str(caught.value)
    assert "short-secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_environment_sets_defaults() -> None:
    """CLAUDE_STORE is the default of claude_store."""
    declared = {name: default for name, default, _ in options.declared({"CLAUDE_STORE": "/x", "CLAUDE_CODE_X": "1"})}
    assert declared["claude_store"] == "/x"
    assert declared["claude_log"] == "line"


def test_the_default_store_is_of_the_platform() -> None:
    """It is the user's own directory, wherever the capture is started; CLAUDE_STORE wins."""
    for environment, platform, store in (
        ({"XDG_DATA_HOME": "/data"}, "linux", "/data/mitmclaude/captures"),
        ({}, "darwin", "~/Library/Application Support/mitmclaude/captures"),
        ({"CLAUDE_STORE": "here", "XDG_DATA_HOME": "/data"}, "linux", "here"),
    ):
        declared = {name: default for name, default, _ in options.declared(environment, platform)}
        assert declared["claude_store"] == store


def test_unknown_options_are_told_with_the_nearest() -> None:
    """A mistyped option of ours is told; those of others are not our business."""
    assert options.unknown(["claude_stroe", "flow_detail", "claude_log"]) == [
        "unknown option claude_stroe: did you mean claude_store?"
    ]
    assert "known are claude_upstream" in options.unknown(["claude_zzzzzzzzz"])[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@gw.example.com",
        "user:secret@gw",
        "https://u:se/secret@gw",
        "https://gw?key=secret",
        "ftp://u:secret@x",
    ],
)
def test_no_secret_of_an_upstream_is_shown(url: str) -> None:
    """A password or a key in the URL that is refused is not in the message."""
    with pytest.raises(ValueError, match="claude_upstream=") as raised:
        parse(upstream=url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("store", "claude_store"),
        ("claude-store", "claude_store"),
        ("claud_store", "claude_store"),
        ("validatoin", "claude_validation"),
    ],
)
def test_an_option_without_our_prefix(name: str, meant: str) -> None:
    """A name that is close to one of ours is told with it."""
    assert options.near([name]) == [f"unknown option {name}: did you mean {meant}?"]


@pytest.mark.parametrize("name", ["my_option", "log_file", "authority", "rate", "x"])
def test_options_of_others(name: str) -> None:
    """Names of other scripts' options are left alone."""
    assert options.near([name]) == []
