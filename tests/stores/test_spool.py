"""The spool: versions of objects that wait on disk, for several processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from mitmclaude.stores.file import FileStore
from mitmclaude.stores.spool import LOCK, Spool

RECORD = "records/date=2026-11-22/a.json"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(FileStore(tmp_path), tmp_path / LOCK)


def test_versions_in_order(spool: Spool) -> None:
    """A later version is another file, and is listed after the earlier one, whatever the clock does."""
    first = spool.add(RECORD, b"1")
    spool._last += 3600 * 10**9  # as if the clock were set back by an hour
    second = spool.add(RECORD, b"2")
    spool.add("flows/a.mitm.zst", b"f")
    (_, _), (key, names) = spool.waiting()
    assert (key, names) == (RECORD, [first, second])
    assert [spool.read(name) for name in names] == [b"1", b"2"]
    spool.remove(names)
    assert [key for key, _ in spool.waiting()] == ["flows/a.mitm.zst"]


def test_foreign_files_are_left_alone(spool: Spool, tmp_path: Path) -> None:
    """What others put into the directory is neither sent nor in the way; what an earlier version spooled is sent."""
    name = spool.add(RECORD, b"1")
    (tmp_path / "records" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / name).with_name(f"._{Path(name).name}").write_bytes(b"x")
    (tmp_path / "records" / "old.json").write_bytes(b"0")
    assert spool.waiting() == [(RECORD, [name]), ("records/old.json", ["records/old.json"])]


def test_set_aside(spool: Spool) -> None:
    """What a store refuses stays, but waits no longer."""
    aside = spool.set_aside(spool.add(RECORD, b"1"))
    assert spool.waiting() == []
    assert spool.read(aside) == b"1"


def test_one_process_sends_at_a_time(spool: Spool, tmp_path: Path) -> None:
    """While one process has the lock another does not get it; it is free again when that one dies."""
    holder = (
        "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", holder, str(tmp_path / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with spool.locked(0.1) as is_ours:
            assert not is_ours
        process.kill()
    with spool.locked(5) as is_ours:
        assert is_ours
        with spool.locked(0) as is_ours_twice:
            assert not is_ours_twice, "nor do two threads of one process"
