"""What an environment needs of the thing that holds its processes: ordinary processes, or a container."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Protocol

Say = Callable[[str, str], None]  # source, text
LINE_LIMIT = 256 * 1024  # bytes; what CloudWatch keeps of one line


class Backend(Protocol):
    """Extensions start first, the runtime when they have registered."""

    async def start_extensions(self) -> int:
        """Starts them; how many there are."""
        ...

    async def start_runtime(self) -> None: ...

    async def exited(self) -> str:
        """Returns, when a part ends, how it ended."""
        ...

    async def freeze(self) -> None: ...

    async def thaw(self) -> None: ...

    async def terminate(self, grace: float) -> str:
        """SIGTERM to the runtime, `grace` seconds for it; how it ended, "" where it did not."""
        ...

    async def kill(self) -> None:
        """SIGKILL to all that is left; returns when it is gone."""
        ...

    def pids(self) -> list[int]:
        """The processes that there are, where the host knows them."""
        ...

    def peak_memory(self) -> int:
        """MB used at most, 0 where it cannot be told."""
        ...


async def pump(stream: asyncio.StreamReader, source: str, say: Say) -> None:
    """Passes output on line by line; a line without an end is cut at LINE_LIMIT."""
    held = b""
    while data := await stream.read(1 << 16):
        *lines, held = (held + data).split(b"\n")
        if len(held) > LINE_LIMIT:
            lines, held = [*lines, held], b""
        for line in lines:
            say(source, line.decode("utf-8", "replace").rstrip("\r"))
    if held:
        say(source, held.decode("utf-8", "replace"))


def ended(name: str, code: int) -> str:
    """An exit in the words of Lambda's log."""
    how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    return f"{name} exited: {how}" if code == 0 else f"{name} exited with error: {how}"


async def within(seconds: float, process: asyncio.subprocess.Process) -> int | None:
    """The exit code of a process, None where it is still there after so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await process.wait()
    return None
