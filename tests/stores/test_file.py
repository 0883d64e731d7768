"""The file store: what others cannot see, and what a killed process leaves."""

import os
import stat
import subprocess
import time
from collections.abc import Callable
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

    def full(aside: str, path: str) -> None:
        raise OSError(28, "No space left on device")

    store = FileStore(tmp_path)
    monkeypatch.setattr(os, "replace", full)
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
        def _write(self, aside: str, path: str, content: bytes) -> None:
            asides.append(aside)
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


@pytest.mark.parametrize("use", [FileStore.check, lambda store: store.put(KEY, b"x")], ids=["check", "put"])
def test_git_ignores_a_store(tmp_path: Path, use: Callable[[FileStore], None]) -> None:
    """Inside a work tree nothing that is captured is seen by git, whatever the directory is named."""
    git(tmp_path, "init", "--quiet")
    store = FileStore(tmp_path / "work" / "calls")
    use(store)
    store.put(KEY, b"x")
    assert git(tmp_path, "status", "--porcelain", "--untracked-files=all") == ""
    assert (store.root / ".gitignore").read_text() == "*\n"
    assert list(store.keys()) == [KEY]


def test_git_sees_other_files_in_the_directory_of_a_store(tmp_path: Path) -> None:
    """A store in the directory of a project hides its own folders from git, and nothing of the project."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "main.py").write_text("")
    FileStore(tmp_path).put(KEY, b"x")
    assert git(tmp_path, "status", "--porcelain", "--untracked-files=all").split() == [
        "??",
        ".gitignore",
        "??",
        "main.py",
    ]


def test_a_gitignore_stays_as_it_is(tmp_path: Path) -> None:
    """One that is there is never written over, also not an empty one or a link that leads nowhere."""
    git(tmp_path, "init", "--quiet")
    ours, linked = tmp_path / "ours", tmp_path / "linked"
    ours.mkdir()
    (ours / ".gitignore").write_text("")
    linked.mkdir()
    (linked / ".gitignore").symlink_to(tmp_path / "nowhere")
    for root in (ours, linked):
        FileStore(root).check()
    assert (ours / ".gitignore").read_text() == ""
    assert not (tmp_path / "nowhere").exists()


def test_no_gitignore_outside_of_a_work_tree(tmp_path: Path) -> None:
    """Where there is no git nothing is written for it."""
    FileStore(tmp_path / "store").check()
    assert [path.name for path in (tmp_path / "store").iterdir()] == [PARTIAL]


def test_names_with_a_dot_are_no_keys(tmp_path: Path) -> None:
    """What desktops leave in directories is not taken for an object."""
    store = FileStore(tmp_path)
    store.put(KEY, b"x")
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / KEY).with_name(".DS_Store").write_bytes(b"")
    assert list(store.keys()) == list(store.keys("records/")) == [KEY]


def git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
