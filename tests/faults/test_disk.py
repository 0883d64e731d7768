"""Disks and descriptors that run out: what cannot be written waits in memory, and is written later."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mitmclaude.stores import Keeper, open_keeper

SIZE = 200_000
KEYS = [f"{kind}/date=2026-11-22/{number}.json" for number in range(20) for kind in ("records", "flows")]


@contextmanager
def limited(kind: int, soft: int) -> Iterator[None]:
    """A lower limit of this process."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


@contextmanager
def full_disk(folder: Path) -> Iterator[bool]:
    """A small file system that is full at `folder`; where none can be mounted (then False), files that cannot grow."""
    folder.mkdir()
    mounted = not subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode  # fmt: skip
    if not mounted:
        with limited(resource.RLIMIT_FSIZE, 1000):
            yield False
        return
    try:
        (folder / "filler").write_bytes(b"x" * 1_000_000)
        yield True
        (folder / "filler").unlink()
    finally:
        copied = [(path.relative_to(folder), path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
        subprocess.run(["umount", folder], check=True)
        for path, content in copied:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def put(keeper: Keeper) -> None:
    for record, flow in zip(KEYS[::2], KEYS[1::2], strict=True):
        keeper.put_all({record: b"r" * SIZE, flow: b"f" * SIZE})


def stored(root: Path) -> dict[str, int]:
    return {
        path.relative_to(root).as_posix(): path.stat().st_size
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] in ("records", "flows")
    }


@pytest.mark.parametrize("full", ["store", "both"])
def test_full_disk(tmp_path: Path, full: str) -> None:
    """A full disk of the store costs nothing, nor one of the spool as well while the process lives."""
    disk = tmp_path / "disk"
    spool = tmp_path / "spool" if full == "store" else disk / "spool"
    with full_disk(disk) as is_mounted:
        spools = full == "store" and is_mounted
        keeper = open_keeper(str(disk / "store"), str(spool), {})
        put(keeper)
        assert keeper.counts.lost == 0
        assert keeper.counts.spooled == (len(KEYS) if spools else 0)
        assert keeper.counts.held == (0 if spools else len(KEYS))
    keeper.close(20)
    assert stored(disk / "store") == dict.fromkeys(KEYS, SIZE)
    assert keeper.counts.sent == len(KEYS)


def test_few_descriptors(tmp_path: Path) -> None:
    """Without a single file descriptor nothing is lost; with them back all is stored."""
    keeper = open_keeper(str(tmp_path / "store"), str(tmp_path / "spool"), {})
    assert keeper.check() == []
    free = os.dup(0)
    os.close(free)
    with limited(resource.RLIMIT_NOFILE, free):
        put(keeper)
    assert keeper.counts[3:] == (len(KEYS), 0)
    keeper.close(20)
    assert stored(tmp_path / "store") == dict.fromkeys(KEYS, SIZE)
