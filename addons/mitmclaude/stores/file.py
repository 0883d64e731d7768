"""A store in a directory: the key is the path below it."""

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

from mitmclaude.stores.protocol import RefusedError, checked

PARTIAL = ".partial"
"""Where objects are written before they appear under their key; nothing else begins with a dot."""

STALE = 24 * 3600
"""Seconds after which a partial object is one that a killed process left."""

FOLDERS = ("records", "flows", PARTIAL)
"""What a directory holds that is used as a store and for nothing else."""


class FileStore:
    """Keeps objects as files that only their owner can read.

    An object is written aside and renamed into place, so that a process killed at any moment leaves only whole ones.
    It is not synced to the disk: a power cut may cost the last seconds. A directory inside a git work tree gets a
    ``.gitignore``, so that nobody commits what was captured. Names that begin with a dot are no keys.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / PARTIAL
        self._numbers = itertools.count()
        self._ours = f"{os.getpid()}-{token_hex(8)}"  # containers that share a volume may have the same process id
        self._made: set[Path] = set()
        self._ready: set[str] = set()
        """Folders that objects can be renamed into."""

    def check(self) -> None:
        self._ready.clear()
        self._made.clear()  # somebody may have removed a directory
        try:
            self._make(self._partial)
            probe = self._partial / f"probe-{self._ours}-{next(self._numbers)}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise RefusedError(f"cannot write to the store {self.root}: {error.strerror or error}") from error
        self._sweep()

    def put(self, key: str, content: bytes) -> None:
        path = f"{self.root}/{checked(key)}"
        aside = f"{self._partial}/{self._ours}-{next(self._numbers)}"
        try:
            self._write(aside, path, content)
        except FileNotFoundError:  # somebody removed a directory under us: make it again, once
            self._made.clear()
            self._ready.clear()
            self._write(aside, path, content)

    def get(self, key: str) -> bytes:
        try:
            return (self.root / checked(key)).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(sorted(key for key in self._walk(prefix.rpartition("/")[0]) if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        (self.root / checked(key)).unlink(missing_ok=True)

    def _write(self, aside: str, path: str, content: bytes) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._ready:
            self._make(self._partial)
            self._make(Path(folder))
            self._ready.add(folder)
        try:
            _write_whole(aside, content)
            os.replace(aside, path)  # noqa: PTH105  a Path costs as much as the call
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(aside)  # noqa: PTH108
            raise

    def _walk(self, top: str) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root / top):
            folders[:] = (name for name in folders if not name.startswith("."))
            below = Path(folder).relative_to(self.root).as_posix()
            before = "" if below == "." else f"{below}/"
            for name in names:
                if not name.startswith("."):
                    yield before + name

    def _make(self, folder: Path) -> None:
        if folder in self._made:
            return
        if folder != self.root:
            self._make(folder.parent)
        folder.mkdir(mode=0o700, parents=folder == self.root, exist_ok=True)
        if folder == self.root:
            with contextlib.suppress(OSError):  # there is one already, or the put itself will tell what is wrong
                _ignore(folder)
        self._made.add(folder)

    def _sweep(self) -> None:
        for left in self._partial.iterdir():
            try:
                if time.time() - left.stat().st_mtime > STALE:
                    left.unlink()
            except FileNotFoundError:  # another process was quicker
                continue


def opened(url: str) -> FileStore:
    """The store in the directory that `url` names, with ``file:`` or without."""
    return FileStore(directory(url.removeprefix("file:").removeprefix("//")))


def directory(path: str) -> Path:
    """The absolute path of a directory, where ``~`` stands for the user's own."""
    if not path:
        raise ValueError("wanted the path of a directory")
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100  resolve() would follow links


def _write_whole(path: str, content: bytes) -> None:
    """A new file that only its owner can read; without the layers of `open`, which cost more than the writing."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def _ignore(root: Path) -> None:
    """Make git ignore what is stored in `root`, where that lies in a work tree; FileExistsError if the user rules it.

    Of a directory that holds other files as well, git goes on to see those.
    """
    real = root.resolve()
    if any((folder / ".git").exists() for folder in (real, *real.parents)):
        is_shared = any(entry.name not in FOLDERS for entry in root.iterdir())
        ignored = "".join(f"/{name}/\n" for name in FOLDERS) if is_shared else "*\n"
        with (root / ".gitignore").open("x", encoding="utf-8") as file:
            file.write(ignored)
