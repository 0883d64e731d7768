"""A proxy under test: a command in a process of its own, and what the system counts of its whole tree."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from .ways import Place, Way
from .wire import connect, conversation, exchange, request

START_LIMIT = 60  # seconds
STOP_LIMIT = 30
LATE = 5  # how long a record may come after its answer before it counts as lost
MB = 1 << 20
RECORD = re.compile(r"[0-9a-f-]{36}\.json(\.\w+)?")
FIRST = request("message.json", conversation(1000, stream=False))


class VoidError(RuntimeError):
    """What was measured proves nothing: a proxy died, or calls and records do not match."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def environment(home: Path) -> dict[str, str]:
    """A user's environment with a home of its own, and nothing in it of any client, proxy or capture."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8"}


class Running:
    """A proxy that has answered its first call; made by `running`."""

    def __init__(self, way: Way, place: Place, process: subprocess.Popen[bytes], log: Path) -> None:
        self.way, self.place, self.process, self.log = way, place, process, log
        self.started_in = 0.0  # seconds from exec to the end of the first answer
        self.calls = 0  # answered so far
        self._broken = 0  # connections of the start that ended without an answer

    @property
    def port(self) -> int:
        return self.place.port

    def first_answer(self, began: float, sent: bytes) -> None:
        """Ask until it answers, every 2 ms."""
        while time.perf_counter() - began < START_LIMIT:
            if self.process.poll() is not None:
                raise VoidError(f"{self.way.name} ended with {self.process.returncode}:\n{self.tail()}")
            try:
                with connect(self.port) as connection:
                    self._broken += 1
                    exchange(connection, sent)
            except OSError:
                time.sleep(0.002)
            else:
                self.started_in = time.perf_counter() - began
                self._broken -= 1
                self.calls += sent.startswith(b"POST ")
                return
        raise VoidError(f"{self.way.name} did not answer within {START_LIMIT} s:\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    # -- its tree of processes

    def _tree(self) -> list[psutil.Process]:
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def memory(self) -> float:
        """Megabytes resident in the whole tree; what processes share is divided among them (PSS, elsewhere RSS)."""
        total = 0
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                used = process.memory_full_info()
                total += getattr(used, "pss", used.rss)
        return total / MB

    def cpu(self) -> float:
        """Seconds of user and system time that the whole tree has used, processes that are gone included."""
        total = 0.0
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])  # user, system, and both of children that were waited for
        return total

    # -- what it kept

    def check(self) -> None:
        """Compare calls and records; VoidError where one is missing, too many, or not complete."""
        if self.process.poll() is not None:
            raise VoidError(f"{self.way.name} ended with {self.process.returncode}:\n{self.tail()}")
        if not self.way.records:
            return
        deadline = time.monotonic() + LATE
        while len(found := records(self.place.store)) < self.calls and time.monotonic() < deadline:
            time.sleep(0.05)
        plain = [path for path in found if path.suffix == ".json"]
        outcomes = [json.loads(path.read_bytes())["outcome"] for path in plain]
        whole = outcomes.count("complete") + len(found) - len(plain)
        if whole != self.calls or len(found) - whole > self._broken:
            other = sorted({*outcomes} - {"complete"})
            raise VoidError(
                f"{self.way.name} answered {self.calls} calls and kept {whole} complete records"
                f" and {len(found) - whole} others {other}:\n{self.tail()}"
            )


def records(store: Path) -> list[Path]:
    """The records that a store in a directory holds."""
    return [path for path in (store / "records").glob("date=*/*") if RECORD.fullmatch(path.name)]


@contextlib.contextmanager
def running(way: Way, upstream: str, folder: Path, *, sent: bytes = FIRST, inherit: bool = False) -> Iterator[Running]:
    """A proxy that has answered `sent`. Its store goes when the block ends. Its home stays in `folder` for
    the next start, unless that is to be fresh.

    With `inherit` it has this process's environment, else one of its own.
    """
    home, store = folder / "home", folder / "captures"
    place = Place(upstream, free_port(), home, store)
    own = environment(home)
    given, command, log = dict(os.environ) if inherit else own, way.command(place), folder / "log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=given, cwd=home, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        proxy = Running(way, place, process, log)
        proxy.first_answer(began, sent)
        yield proxy
        proxy.check()
    finally:
        _stop(process)
        for folder in (store, home) if way.fresh else (store,):
            shutil.rmtree(folder, ignore_errors=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it started."""
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    deadline = time.monotonic() + STOP_LIMIT
    while (alive := list(filter(is_alive, children))) and time.monotonic() < deadline:
        time.sleep(0.02)
    for child in alive:
        child.kill()


def is_alive(process: psutil.Process) -> bool:
    """False also for one that nobody has waited for: in a container often nobody does."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
