"""The platform and the environment → the directories of a user that files of ours belong in.

https://specifications.freedesktop.org/basedir-spec/latest/ for Linux and its like; macOS and Windows have their own.
"""

from collections.abc import Mapping


def captures(environment: Mapping[str, str], platform: str) -> str:
    """The store where none is named; `platform` is that of `sys`, and ``~`` stands for the home directory.

    ``~/.local/share/mitmclaude/captures``, or below XDG_DATA_HOME; on macOS below ``~/Library/Application Support``,
    on Windows below LOCALAPPDATA.
    """
    if platform == "win32":
        data = environment.get("LOCALAPPDATA") or r"~\AppData\Local"
        return rf"{data}\mitmclaude\captures"
    data = environment.get("XDG_DATA_HOME", "")
    if not data.startswith("/"):  # the specification: a relative path is invalid and is to be ignored
        data = "~/Library/Application Support" if platform == "darwin" else "~/.local/share"
    return f"{data.rstrip('/')}/mitmclaude/captures"


def cache(environment: Mapping[str, str], platform: str) -> str:
    """Where what can be made again is kept: ``~/.cache/mitmclaude``, or below XDG_CACHE_HOME; on macOS below
    ``~/Library/Caches``, on Windows below LOCALAPPDATA."""
    if platform == "win32":
        return rf"{environment.get('LOCALAPPDATA') or r'~\AppData\Local'}\mitmclaude\cache"
    below = environment.get("XDG_CACHE_HOME", "")
    if not below.startswith("/"):
        below = "~/Library/Caches" if platform == "darwin" else "~/.cache"
    return f"{below.rstrip('/')}/mitmclaude"
