"""Open a store by its URL."""

import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from mitmclaude.stores.file import FileStore
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.protocol import Store
from mitmclaude.stores.spool import Spooled


def open_store(url: str) -> Store:
    """The store that `url` names: ``memory:``, a directory, or ``file:`` and a directory; else ValueError."""
    scheme, colon, rest = url.partition(":")
    if url.rstrip("/") == "memory:":
        return MemoryStore()
    if scheme == "file" and colon:
        return FileStore(_directory(rest.removeprefix("//")))
    if "://" in url:
        raise ValueError(f"wanted a directory or memory:, found {url!r}")
    return FileStore(_directory(url))


def open_spooled(url: str, spool: str, environment: Mapping[str, str]) -> Spooled:
    """The store that `url` names, with a spool of its own below the directory `spool`, or below the state directory."""
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    name = blake2b(str(Path(url).absolute()).encode(), digest_size=8).hexdigest()
    return Spooled(open_store(url), FileStore(_directory(spool or f"{state}/mitmclaude/spool") / name))


def _directory(path: str) -> Path:
    if not path:
        raise ValueError("wanted the path of a directory")
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100  resolve() would follow links
