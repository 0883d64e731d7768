"""One execution environment: its init, its invocations one after another, the freeze between them, its end.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
import contextlib
import enum
import math
import time
from collections.abc import Awaitable
from typing import Any

from .backend import Backend
from .container import Container, DockerError
from .invocation import Invocation
from .log import Emit, Line
from .processes import Processes
from .runtime_api import RuntimeApi
from .settings import Settings, free_port, variables

LINGER = 0.1  # seconds from an error that is reported, or an extension that is gone, to the exit that may be the cause
SHUTDOWN_BUDGET = 2.0  # seconds for the whole shutdown where there is an extension, of which
RUNTIME_SHARE = 0.3  # the runtime has this part between SIGTERM and SIGKILL


class State(enum.StrEnum):
    """`busy` from the choice for an invocation until its freeze; `ended` for ever."""

    NEW = "new"
    BUSY = "busy"
    IDLE = "idle"
    ENDED = "ended"


class FunctionError(RuntimeError):
    """The environment is of no more use: a process ended, reported a fatal error, or took too long."""


class Environment:
    """Made new; `start` it, then `invoke` and `freeze` in turns, at last `retire`."""

    def __init__(self, number: int, settings: Settings, emit: Emit) -> None:
        self.number = number
        self.state = State.NEW
        self.frozen = False
        self.invocations = 0
        self.port = free_port()
        self.current: Invocation | None = None
        self.init_ms = 0.0
        self._settings = settings
        self._emit = emit
        self._api = RuntimeApi(settings, self._say)
        self._backend: Backend | None = None

    @property
    def finishing(self) -> bool:
        """Whether its answer is given and only the runtime's next call is missing."""
        return self.state is State.BUSY and self.current is not None and self.current.over.is_set()

    @property
    def pids(self) -> list[int]:
        return self._backend.pids() if self._backend else []

    async def start(self) -> None:
        """Init, at once where it fails or takes too long again, as Lambda does, within the function's timeout."""
        self._claim()
        why = await self._failed("init", self._settings.init_timeout)
        if why and (why := await self._failed("invoke", self._settings.timeout)):
            self.state = State.ENDED
            raise FunctionError(why)

    async def invoke(self, invocation: Invocation) -> None:
        """Returns when the runtime asks for the next event; ends the environment where the invocation fails."""
        self._claim()
        self.current = invocation
        self.invocations += 1
        await self._thaw()
        began = time.monotonic()
        timeout = self._settings.timeout
        self._say(f"START RequestId: {invocation.id} Version: $LATEST")
        status = ""
        try:
            await self._api.offer(invocation, int((time.time() + timeout) * 1000))
            await self._watched(self._api.settled(), timeout)
            if invocation.error:
                await self._watched(asyncio.sleep(LINGER))
        except TimeoutError:
            status = "timeout"
            await self._give_up(invocation, f"Task timed out after {timeout:.2f} seconds")
        except FunctionError as e:
            status = "error"
            await self._give_up(invocation, f"Error: {e}")
        self._report(invocation, (time.monotonic() - began) * 1000, status)

    async def freeze(self) -> None:
        """Nothing in it runs until the next invocation."""
        assert self._backend is not None
        self.frozen = True
        with contextlib.suppress(DockerError):  # the container is gone; whoever watches the environment will know
            await self._backend.freeze()
        if self.state is not State.ENDED:  # retired meanwhile
            self.state = State.IDLE

    async def exited(self) -> str:
        """Returns, when a process of an idle environment ends, how it ended."""
        assert self._backend is not None
        return await self._backend.exited()

    async def retire(self, reason: str = "spindown") -> None:
        """SHUTDOWN to the extensions that want it, SIGTERM to the runtime, SIGKILL to what is left."""
        if self.state is State.ENDED:
            return
        self.state = State.ENDED
        if self.current is not None:
            await self.current.fail("the platform is shutting down")
        if self._backend is not None and self._api.extensions:
            await self._thaw()
            await self._shutdown(self._backend, reason)
        await self._kill()

    async def _shutdown(self, backend: Backend, reason: str) -> None:
        began = time.monotonic()
        self._say("SHUTDOWN SIGTERM to the runtime")
        how = await backend.terminate(SHUTDOWN_BUDGET * RUNTIME_SHARE)
        took = (time.monotonic() - began) * 1000
        self._say(f"SHUTDOWN {how or 'the runtime is still there, SIGKILL'} after {took:.0f} ms")
        left = SHUTDOWN_BUDGET - (time.monotonic() - began)
        if self._api.announce_shutdown(int((time.time() + left) * 1000), reason):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._api.failed()  # until one of them hangs up

    def _claim(self) -> None:
        if self.state is State.ENDED:
            raise FunctionError("the platform is shutting down")
        self.state = State.BUSY

    async def _failed(self, phase: str, limit: float) -> str:
        """Why an init failed, "" where it did not. What a failed one started is gone."""
        try:
            await self._init(limit)
        except FunctionError as e:
            self._say(f"INIT_REPORT Phase: {phase} Status: error {e}")
            await self._kill()
            return str(e)
        except asyncio.CancelledError:
            await self._kill()
            raise
        return ""

    async def _init(self, limit: float) -> None:
        if self.state is State.ENDED:
            raise FunctionError("the platform is shutting down")
        began = time.monotonic()
        self._api = RuntimeApi(self._settings, self._say)
        await self._api.start()
        try:
            async with asyncio.timeout(limit):
                self._backend = self._made()
                await self._boot(self._backend)
        except TimeoutError as e:
            raise FunctionError(f"Error Type: Sandbox.Timedout Duration: {limit * 1000:.2f} ms") from e
        except (OSError, DockerError) as e:
            raise FunctionError(f"Error Type: Runtime.InvalidEntrypoint Error: {e}") from e
        self.init_ms = (time.monotonic() - began) * 1000

    def _made(self) -> Backend:
        kind = Container if self._settings.image else Processes
        values = variables(self._settings, self._api.address, self.port)
        return kind(self._settings, values, self.port, lambda source, text: self._say(text, source))

    async def _boot(self, backend: Backend) -> None:
        number = await backend.start_extensions()
        if number:
            await self._watched(self._api.registered(number))
        await backend.start_runtime()
        await self._watched(self._api.settled())

    async def _watched(self, awaited: Awaitable[None], limit: float | None = None) -> None:
        """Waits; `FunctionError` where the function breaks meanwhile, `TimeoutError` above the limit."""
        assert self._backend is not None
        wanted = asyncio.ensure_future(awaited)
        exited = asyncio.ensure_future(self._backend.exited())
        broken = asyncio.ensure_future(self._api.failed())
        tasks: set[asyncio.Future[Any]] = {wanted, exited, broken}
        try:
            done, _ = await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if done == {broken}:
                done |= (await asyncio.wait({exited}, timeout=LINGER))[0]
        finally:
            for task in tasks:
                task.cancel()
        if not done:
            raise TimeoutError
        if wanted in done:
            wanted.result()
        else:
            raise FunctionError(exited.result() if exited in done else self._api.broken)

    async def _give_up(self, invocation: Invocation, why: str) -> None:
        """The end of a broken environment. The answer goes first: an adapter that outlives its app would end it."""
        self._say(f"RequestId: {invocation.id} {why}")
        self.state = State.ENDED
        await invocation.fail(why)
        await self._kill()

    async def _kill(self) -> None:
        if self._backend is not None:
            await self._backend.kill()
        self._api.close()

    async def _thaw(self) -> None:
        if self.frozen and self._backend is not None:
            with contextlib.suppress(DockerError):
                await self._backend.thaw()
            self.frozen = False

    def _report(self, invocation: Invocation, ms: float, status: str) -> None:
        memory = self._backend.peak_memory() if self._backend and not status else 0
        parts = [
            f"Duration: {ms:.2f} ms",
            f"Billed Duration: {math.ceil(ms)} ms",
            f"Memory Size: {self._settings.memory} MB",
            *([f"Max Memory Used: {memory} MB"] if memory else []),
            *([f"Init Duration: {self.init_ms:.2f} ms"] if self.invocations == 1 else []),
            *([f"Status: {status}"] if status else []),
        ]
        self._say(f"END RequestId: {invocation.id}")
        self._say(f"REPORT RequestId: {invocation.id} " + " ".join(parts))

    def _say(self, text: str, source: str = "platform") -> None:
        self._emit(Line(text, source, self.number))
