"""Objects that wait on local disk until a store takes them.

None is ever replaced: each version of an object has a name of its own, so that whoever sends one removes just what was
sent. Several processes may share a spool; one at a time sends from it.
"""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final

from mitmclaude.stores.protocol import Store, checked

try:
    import fcntl
except (
    ImportError
):  # Windows: there two processes may send the same object, and a newer version may come before an older
    fcntl = None  # type: ignore[assignment]

LOCK: Final = ".lock"
"""The file in a spool that whoever sends from it has locked; a process that dies leaves no lock."""

REFUSED: Final = "refused/"
"""What names of objects begin with that the store refused by themselves: they are not sent again."""

_NAME: Final = re.compile(r"((?:.*/)?)\d{20}-[0-9a-f]{8}\.([^/]+)")
_WITHOUT_VERSION: Final = re.compile(r"(?:records|flows)/.+")
"""What release 0.1 spooled."""


class Spool:
    """Keeps versions of objects in `store`, a directory as a rule; `lock` is a file beside them."""

    def __init__(self, store: Store, lock: Path | None = None) -> None:
        self.store = store
        self._lock = lock
        self._sending = threading.Lock()
        self._naming = threading.Lock()
        self._last = 0

    def check(self) -> None:
        """Raise OSError, in one clear line, where nothing could be spooled."""
        self.store.check()

    def add(self, key: str, content: bytes) -> str:
        """Keep a version of an object: its name."""
        with self._naming:  # later names sort later, also where the clock steps back
            self._last = max(time.time_ns(), self._last + 1)
            folder, slash, file = checked(key).rpartition("/")
            name = f"{folder}{slash}{self._last:020}-{token_hex(4)}.{file}"
        self.store.put(name, content)
        return name

    def waiting(self) -> list[tuple[str, list[str]]]:
        """The keys of what waits, sorted, and their versions' names, the oldest first. Foreign files are left out."""
        found: dict[str, list[str]] = {}
        for name in self.store.keys(""):
            if key := _key(name):
                found.setdefault(key, []).append(name)
        return sorted(found.items())

    def read(self, name: str) -> bytes:
        """A version of an object; raises KeyError where another process has sent it."""
        return self.store.get(name)

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self.store.delete(name)

    def set_aside(self, name: str) -> str:
        """Keep a version, but do not send it again: its new name."""
        self.store.put(REFUSED + name, self.store.get(name))
        self.store.delete(name)
        return REFUSED + name

    @contextmanager
    def locked(self, seconds: float) -> Iterator[bool]:
        """Wait for the right to send from the spool; False where another thread or process has it for `seconds`."""
        until = time.monotonic() + seconds
        if not self._sending.acquire(timeout=seconds):
            yield False
            return
        try:
            with _locked(self._lock, until) as is_ours:
                yield is_ours
        finally:
            self._sending.release()


def _key(name: str) -> str | None:
    """The key in the name of a version; None for what is none: a foreign file, or one that was refused."""
    if name.startswith(REFUSED):
        return None
    if match := _NAME.fullmatch(name):
        name = match[1] + match[2]
    elif not _WITHOUT_VERSION.fullmatch(name):
        return None
    try:
        return checked(name)
    except ValueError:
        return None


@contextmanager
def _locked(path: Path | None, until: float) -> Iterator[bool]:
    if path is None or fcntl is None:
        yield True
        return
    try:
        file = path.open("ab")
    except FileNotFoundError:  # the spool was never used
        yield True
        return
    except OSError:
        yield False
        return
    with file:
        yield _lock(file.fileno(), until)


def _lock(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)
        except OSError:  # a file system without locks
            return True
        else:
            return True
