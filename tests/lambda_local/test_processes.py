"""The processes backend: what is frozen, what is passed on; needs no adapter."""

import asyncio
import sys
import time
from pathlib import Path

import pytest
from scripts.lambda_local.backend import LINE_LIMIT, pump
from scripts.lambda_local.processes import Processes
from scripts.lambda_local.settings import Settings

FAMILY = """
import subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
children = [subprocess.Popen(sleep), subprocess.Popen(sleep, start_new_session=True)]
print(*(child.pid for child in children), flush=True)
time.sleep(60)
"""


def state(pid: int) -> str:
    """The letter that /proc has for a process, "" where it is gone; T is stopped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""  # in every set of states


async def becomes(pids: list[int], wanted: str) -> bool:
    for _ in range(100):
        if all(state(pid) in wanted for pid in pids):
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
async def test_a_family() -> None:
    """Children are frozen, thawed and killed with their parent, those in sessions of their own as well."""
    line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = Settings(command=(sys.executable, "-c", FAMILY))
    backend = Processes(settings, {}, 1, lambda _, text: line.set_result(text))
    await backend.start_runtime()
    pids = [*backend.pids(), *map(int, (await line).split())]
    assert len(pids) == 3
    await backend.freeze()
    assert await becomes(pids, "T")
    assert backend.peak_memory() > 10
    await backend.thaw()
    assert await becomes(pids, "SR")
    began = time.monotonic()
    await backend.kill()
    assert await becomes(pids, "Z")  # or gone: whether anyone reaps orphans is up to the machine
    assert time.monotonic() - began < 3


async def test_output() -> None:
    """Lines pass whole, whatever the pieces; a line that does not end is cut at the limit; the rest comes at the end."""
    got: list[str] = []
    reader = asyncio.StreamReader()
    for piece in (b"a\r\nb", b"b\n\xff\n", b"x" * (LINE_LIMIT + 70_000), b"\nend"):
        reader.feed_data(piece)
    reader.feed_eof()
    await pump(reader, "runtime", lambda _, text: got.append(text))
    assert got[:3] == ["a", "bb", "\ufffd"]
    assert got[-1] == "end"
    assert sum(map(len, got[3:-1])) == LINE_LIMIT + 70_000
    assert max(map(len, got)) <= LINE_LIMIT + (1 << 16)
