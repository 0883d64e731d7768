"""Events → environments: one invocation at a time in each, idle ones again, new ones on demand up to a number."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from .environment import Environment, FunctionError, State
from .invocation import Invocation
from .log import Emit, Line
from .settings import Settings

GRACE = 0.25  # seconds that a request waits for an environment whose answer is out, but not yet back: a client on
# loopback is quicker than any way to Lambda
LAST_WAIT = 5.0  # seconds for what is still under way when all environments have ended


class Platform:
    """`environments` has all that there were, ended ones as well; close it before its event loop ends."""

    def __init__(self, settings: Settings, emit: Emit) -> None:
        self.settings = settings
        self.environments: list[Environment] = []
        self._emit = emit
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle_watches: dict[int, asyncio.Task[None]] = {}
        self._idle_order: list[Environment] = []
        self._freed = asyncio.Event()
        self._closing = False

    @property
    def living(self) -> list[Environment]:
        return [environment for environment in self.environments if environment.state is not State.ENDED]

    async def warm(self) -> None:
        """Starts as many environments ahead as the settings say; Lambda does so at times, too."""
        await asyncio.gather(*(self._warm(self._new()) for _ in range(self.settings.warm)))

    async def invoke(self, invocation: Invocation) -> None:
        """Returns when the environment is frozen again or ended. The answer is 429 where all are busy."""
        environment = await self._acquire()
        if environment is None:
            self._say(f"RequestId: {invocation.id} throttled: all {self.settings.concurrency} environments are busy")
            await invocation.fail("Rate Exceeded.", 429)
            return
        try:
            if environment.state is State.NEW:
                await environment.start()
            await environment.invoke(invocation)
        except FunctionError as e:
            await invocation.fail(str(e))
        await self._release(environment)

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that goes on whatever becomes of who began it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    async def close(self) -> None:
        """Retires every environment."""
        self._closing = True
        for watch in self._idle_watches.values():
            watch.cancel()
        await asyncio.gather(*(environment.retire() for environment in self.living))
        if self._tasks:
            _, stuck = await asyncio.wait(self._tasks, timeout=LAST_WAIT)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    async def _warm(self, environment: Environment) -> None:
        try:
            await environment.start()
        except FunctionError as e:
            self._say(f"an environment did not start ahead of requests: {e}")
        await self._release(environment)

    async def _acquire(self) -> Environment | None:
        """An environment that is ours from now on, None where there may be no more."""
        if found := self._idle() or await self._soon():
            return found
        if len(self.living) < self.settings.concurrency and not self._closing:
            return self._new()
        return None

    def _idle(self) -> Environment | None:
        """The one used last."""
        while self._idle_order:
            environment = self._idle_order.pop()
            if watch := self._idle_watches.pop(environment.number, None):
                watch.cancel()
            if environment.state is State.IDLE:
                environment.state = State.BUSY
                return environment
        return None

    async def _soon(self) -> Environment | None:
        """One that is freed within GRACE, where one is about to be."""
        try:
            async with asyncio.timeout(GRACE):
                while any(environment.finishing for environment in self.living):
                    self._freed.clear()
                    await self._freed.wait()
                    if found := self._idle():
                        return found
        except TimeoutError:
            pass
        return self._idle()

    def _new(self) -> Environment:
        environment = Environment(len(self.environments) + 1, self.settings, self._emit)
        self.environments.append(environment)
        return environment

    async def _release(self, environment: Environment) -> None:
        if environment.state is not State.ENDED and not self._closing:
            await environment.freeze()
            self._idle_order.append(environment)
            self._idle_watches[environment.number] = self.begin(self._watch_idle(environment))
        self._freed.set()

    async def _watch_idle(self, environment: Environment) -> None:
        """Retires an environment that is idle for too long or whose processes end."""
        try:
            async with asyncio.timeout(self.settings.idle):
                how = await environment.exited()
            self._say(f"environment {environment.number} broke while frozen: {how}")
        except TimeoutError:
            pass
        if environment in self._idle_order:
            self._idle_order.remove(environment)
            del self._idle_watches[environment.number]  # from here on it is not to be cancelled
            await environment.retire()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._say(f"lambda-local itself failed: {error!r}")

    def _say(self, text: str) -> None:
        self._emit(Line(text))
