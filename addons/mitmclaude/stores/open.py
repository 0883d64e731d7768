"""Open a store by its URL."""

import os
import re
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from mitmclaude.stores.file import FileStore
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.protocol import Store
from mitmclaude.stores.several import Several, split
from mitmclaude.stores.spool import PAUSES, Spooled


def open_store(url: str) -> Store:
    """The store that `url` names; ValueError where it names none, OSError where its client cannot be made.

    It is ``memory:``, a directory, ``file:`` and a directory, ``s3://bucket/prefix``, ``dynamodb://table``, or several
    of them with commas between.
    """
    urls = split(url)
    return _open_one(url) if len(urls) == 1 else Several([_open_one(each) for each in urls])


def open_spooled(url: str, spool: str, environment: Mapping[str, str]) -> list[Spooled]:
    """Each store that `url` names, with a spool of its own below `spool`, or below the user's state directory."""
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    below = _directory(spool or f"{state}/mitmclaude/spool")
    urls = split(url)
    return [_spooled(each, below) for each in (urls if len(urls) > 1 else [url])]


class Spooling:
    """Puts into several stores, each with its spool, and sends what is spooled when its store is back."""

    def __init__(self, url: str, spool: str, environment: Mapping[str, str]) -> None:
        self.spooled = open_spooled(url, spool, environment)
        self._store = Several(self.spooled)

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        for key, content in objects.items():
            self._store.put(key, content)


def _spooled(url: str, below: Path) -> Spooled:
    is_on_aws = url.startswith(("s3:", "dynamodb:"))  # where the client tries again by itself
    name = blake2b(identity(url).encode(), digest_size=8).hexdigest()
    return Spooled(_open_one(url), FileStore(below / name), pauses=() if is_on_aws else PAUSES)


def _open_one(url: str) -> Store:
    scheme, colon, rest = url.partition(":")
    match scheme if colon else "":
        case "memory" if not rest.strip("/"):
            return MemoryStore()
        case "file":
            return FileStore(_directory(rest.removeprefix("//")))
        case "s3":
            from mitmclaude.stores.s3 import S3Store

            return S3Store(url)
        case "dynamodb":
            from mitmclaude.stores.dynamodb import DynamoDBStore

            return DynamoDBStore(url)
    if re.search(r",\s*[/~]|^(?:memory|s3|dynamodb|file):.*,", url):
        raise ValueError(f"in a list of stores a directory is written file:/path, found {url!r}")
    if "://" in url:
        raise ValueError(f"wanted a directory, memory:, s3://… or dynamodb://…, found {url!r}")
    return FileStore(_directory(url))


def identity(url: str) -> str:
    """What spool and local cache are named after: the same for the same store, whatever its other options are."""
    if not url.startswith(("s3:", "dynamodb:")):
        return str(Path(url).expanduser().absolute())
    place, _, query = url.partition("?")
    where = [option for option in query.split("&") if option.startswith(("endpoint=", "region="))]
    return "?".join([place, *sorted(where)])


def _directory(path: str) -> Path:
    if not path:
        raise ValueError("wanted the path of a directory")
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100  resolve() would follow links
