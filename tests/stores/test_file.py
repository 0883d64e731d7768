"""The file store: what others cannot see, and what a killed process leaves."""

import os
import stat
import time
from pathlib import Path

import pytest

from mitmclaude.stores.file import PARTIAL, STALE, FileStore

KEY = "records/date=2026-11-22/a.json"


def test_objects_are_private(tmp_path: Path) -> None:
    """Only the owner can read a captured call."""
    FileStore(tmp_path / "store").put(KEY, b"x")
    assert stat.S_IMODE((tmp_path / "store" / KEY).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an object cannot be moved into place, neither it nor its beginnings stay."""

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    store = FileStore(tmp_path)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        store.put(KEY, b"x")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_partial_objects_are_no_keys(tmp_path: Path) -> None:
    """What a killed process left half-written is not listed, and is swept away when it is old."""
    store = FileStore(tmp_path)
    store.put(KEY, b"x")
    left, fresh = tmp_path / PARTIAL / "99-1", tmp_path / PARTIAL / "99-2"
    for path in (left, fresh):
        path.write_bytes(b"half")
    os.utime(left, (time.time() - STALE - 60,) * 2)
    assert list(store.keys()) == [KEY]
    store.check()
    assert not left.exists()
    assert fresh.exists()


def test_containers_with_one_volume(tmp_path: Path) -> None:
    """Two processes of the same id, as in two containers, do not write into each other's partial objects."""
    asides: list[str] = []

    class Watched(FileStore):
        def _write(self, aside: Path, path: Path, content: bytes) -> None:
            asides.append(aside.name)
            super()._write(aside, path, content)

    for _ in range(2):
        Watched(tmp_path).put(KEY, b"x")
    assert len(set(asides)) == 2


def test_removed_directory_is_made_again(tmp_path: Path) -> None:
    """A store whose directories were cleaned up under it goes on."""
    store = FileStore(tmp_path / "store")
    store.put(KEY, b"x")
    (tmp_path / "store" / KEY).unlink()
    (tmp_path / "store" / KEY).parent.rmdir()
    store.put(KEY, b"y")
    assert store.get(KEY) == b"y"


def test_check_says_what_is_wrong(tmp_path: Path) -> None:
    """A store that cannot be written says so with its path."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"cannot write to the store .*/file/store: Not a directory"):
        FileStore(tmp_path / "file" / "store").check()
