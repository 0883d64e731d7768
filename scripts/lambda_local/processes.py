"""An environment of ordinary processes: the adapter as extension, the command as runtime, a session for each.

Frozen with SIGSTOP, which reaches every process group of both sessions and of what descends from them.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

from .backend import Say, ended, pump, within
from .settings import Settings, with_port

INHERITED = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH")
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class Processes:
    """`variables` are those of the function; of ours it gets only INHERITED."""

    def __init__(self, settings: Settings, variables: dict[str, str], port: int, say: Say) -> None:
        self._settings = settings
        self._command = with_port(settings.command, port)
        self._say = say
        self._folder = tempfile.mkdtemp(prefix="lambda-local-")
        base = {name: os.environ[name] for name in INHERITED if name in os.environ}
        more = {
            "AWS_EXECUTION_ENV": "AWS_Lambda_provided_custom",
            "AWS_LWA_INVOKE_MODE": "response_stream",
            "LAMBDA_TASK_ROOT": str(Path.cwd()),
            "TMPDIR": self._folder,
            "_HANDLER": self._command[-1],
        }
        self._env = base | more | variables
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._pumps: list[asyncio.Task[None]] = []

    async def start_extensions(self) -> int:
        if self._settings.adapter is None:
            return 0
        await self._start("extension", [str(self._settings.adapter)])
        return 1

    async def start_runtime(self) -> None:
        await self._start("runtime", self._command)

    async def exited(self) -> str:
        waits = {asyncio.ensure_future(process.wait()): name for name, process in self._processes.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            first = min(done, key=lambda task: waits[task] != "runtime")
            return ended(waits[first].capitalize(), first.result())
        finally:
            for task in waits:
                task.cancel()

    async def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    async def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    async def terminate(self, grace: float) -> str:
        if (process := self._processes.get("runtime")) is None:
            return ""
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        code = await within(grace, process)
        return "" if code is None else ended("Runtime", code)

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)
        for process in self._processes.values():
            await process.wait()
        if self._pumps:
            _, held = await asyncio.wait(self._pumps, timeout=0.5)  # a process that got away may hold the pipe
            for task in held:
                task.cancel()
        self._processes, self._pumps = {}, []
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def pids(self) -> list[int]:
        return [process.pid for process in self._processes.values() if process.returncode is None]

    def peak_memory(self) -> int:
        total = 0
        for pid in _family(set(self.pids())):
            with contextlib.suppress(OSError):
                total += sum(map(int, PEAK.findall(Path(f"/proc/{pid}/status").read_text())))
        return -(-total // 1024)

    async def _start(self, name: str, command: list[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            *command, env=self._env, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        self._processes[name] = process
        assert process.stdout is not None
        self._pumps.append(asyncio.create_task(pump(process.stdout, name, self._say)))

    def _signal(self, number: signal.Signals) -> None:
        groups = {process.pid for process in self._processes.values()}
        for pid in _family(groups):
            with contextlib.suppress(ProcessLookupError):
                groups.add(os.getpgid(pid))
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)


def _family(leaders: set[int]) -> set[int]:
    """The processes in the sessions of `leaders` and their descendants, as far as /proc tells; else just `leaders`."""
    parents: dict[int, int] = {}
    family = set(leaders)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
            if int(fields[3]) in leaders:
                family.add(int(folder.name))
    grown = True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in family} - family
        family |= children
        grown = bool(children)
    return family
