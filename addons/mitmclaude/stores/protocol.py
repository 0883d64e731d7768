"""What every store does."""

import re
from collections.abc import Iterator
from typing import Protocol

_KEY = re.compile(r"(?:[A-Za-z0-9_=-][A-Za-z0-9_.=-]*/)*[A-Za-z0-9_=-][A-Za-z0-9_.=-]*")


class RefusedError(OSError):
    """The store will take nothing until somebody changes something: no such bucket, access denied, no credentials."""


class UnfitError(RefusedError):
    """The store takes other objects, and will never take this one: it is too large, or its key holds something else."""


class Store(Protocol):
    """Objects by key. Every method may be called from several threads at once, and raises OSError if storage fails."""

    def check(self) -> None:
        """Raise OSError, in one clear line, where nothing could be put; RefusedError if it will not mend by itself."""

    def put(self, key: str, content: bytes) -> None:
        """Keep `content` under `key`: it appears whole or not at all, in place of what was there."""

    def get(self, key: str) -> bytes:
        """The content under `key`; raises KeyError where there is none."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with `prefix`, sorted."""

    def delete(self, key: str) -> None:
        """Remove `key`, if it is there."""


def checked(key: str) -> str:
    """`key` itself if it is one: parts of letters, digits and ``_.=-`` between single slashes, none begun by a dot."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"wanted a key such as records/date=2026-01-31/<id>.json, found {key[:80]!r}")
    return key
