"""Where a user's files belong on each platform."""

import pytest

from mitmclaude.directories import cache, captures


@pytest.mark.parametrize(
    ("platform", "environment", "directory"),
    [
        ("linux", {}, "~/.local/share/mitmclaude/captures"),
        ("freebsd14", {}, "~/.local/share/mitmclaude/captures"),
        ("linux", {"XDG_DATA_HOME": "/data/ann/"}, "/data/ann/mitmclaude/captures"),
        ("linux", {"XDG_DATA_HOME": ""}, "~/.local/share/mitmclaude/captures"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "~/.local/share/mitmclaude/captures"),
        ("darwin", {}, "~/Library/Application Support/mitmclaude/captures"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "/data/mitmclaude/captures"),
        ("win32", {"LOCALAPPDATA": r"D:\Local"}, r"D:\Local\mitmclaude\captures"),
        ("win32", {}, r"~\AppData\Local\mitmclaude\captures"),
    ],
)
def test_captures(platform: str, environment: dict[str, str], directory: str) -> None:
    """The platform's place for what a program keeps; a relative XDG directory is no directory."""
    assert captures(environment, platform) == directory


@pytest.mark.parametrize(
    ("platform", "environment", "directory"),
    [
        ("linux", {}, "~/.cache/mitmclaude"),
        ("linux", {"XDG_CACHE_HOME": "/cache/ann/"}, "/cache/ann/mitmclaude"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "~/.cache/mitmclaude"),
        ("darwin", {}, "~/Library/Caches/mitmclaude"),
        ("win32", {"LOCALAPPDATA": r"D:\Local"}, r"D:\Local\mitmclaude\cache"),
        ("win32", {}, r"~\AppData\Local\mitmclaude\cache"),
    ],
)
def test_cache(platform: str, environment: dict[str, str], directory: str) -> None:
    """The platform's place for what can be made again."""
    assert cache(environment, platform) == directory
