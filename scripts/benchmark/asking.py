"""The library on a store of 100,000 records: the first fill of its cache, and the commands that ask it."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from .bench import Bench, Measured
from .process import VoidError
from .ways import OURS, ROOT

COMMAND = Path(sys.executable).with_name("mitmclaude")
RECORDS = 100_000
QUICK = 10_000

UNCHANGED = """
import sys, time
from mitmclaude.library.library import open_library
library = open_library(sys.argv[1])
begun = time.perf_counter()
library.refresh()
print(time.perf_counter() - begun)
"""


def asking(bench: Bench) -> Measured:
    """Seconds of the whole process of each command, after a fill; records a second of that, and its memory in MB."""
    count = QUICK if bench.quick else RECORDS
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        store = Path(folder) / "store"
        _run([sys.executable, "-m", "tests.library.captures", str(store), str(count)], Path(folder))
        parts: dict[str, list[float]] = {}

        def add(part: str, value: float) -> None:
            parts.setdefault(part, []).append(value)

        for number in range(bench.rounds(3)):
            home = Path(folder) / f"home-{number}"
            seconds, memory = _run([COMMAND, "sql", "select 1", "--store", str(store)], home)
            add("fill", count / seconds)
            add("memory", memory)
        listed = subprocess.run(
            [COMMAND, "list", "-n", "1", "--store", str(store)], capture_output=True, text=True, check=True
        )
        newest = listed.stdout.split()[-1]
        commands = {
            "sessions": ["sessions"],
            "report": ["report", "--by", "principal,model"],
            "search": ["search", "a text that stands nowhere"],
            "show": ["show", newest],
        }
        for _ in range(bench.rounds(8)):
            for part, arguments in commands.items():
                add(part, _run([COMMAND, *arguments, "--store", str(store)], home)[0])
            told = subprocess.run(
                [sys.executable, "-c", UNCHANGED, str(store)],
                env=_environment(home), capture_output=True, text=True, check=True,
            )  # fmt: skip
            add("unchanged", float(told.stdout))
    return {part: {OURS.name: values} for part, values in parts.items()}


def _environment(home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "CLAUDE_"))}
    return kept | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "addons", ROOT)))}


def _run(command: list[str | Path], home: Path) -> tuple[float, float]:
    """Seconds, and the most MB that the process and its children took together, looked at 20 times a second."""
    begun, most = time.perf_counter(), 0
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            most = max(most, _resident(seen))
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        seconds = time.perf_counter() - begun
    if process.returncode not in (0, 1):
        raise VoidError(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return seconds, most / 1e6


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.Error:
        pass
    return total
