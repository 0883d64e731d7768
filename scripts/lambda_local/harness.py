"""The platform for tests and scripts: started in a thread, with its URL, its log and its environments to look at."""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .environment import Environment
from .front import FunctionUrl
from .invocation import Collected, Invocation
from .log import Line
from .platform import Platform
from .settings import Settings


class Local:
    """A running platform; made by `running`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = ""
        self._lines: list[Line] = []
        self._grown = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lambda-local", daemon=True)
        self._platform = Platform(settings, self._emit)
        self._front = FunctionUrl(self._platform, self._emit)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def environments(self) -> list[Environment]:
        """All that there were: `.state`, `.frozen`, `.invocations`, `.port`, `.pids`. Only to look at."""
        return list(self._platform.environments)

    @property
    def lines(self) -> list[Line]:
        """The log up to now."""
        with self._grown:
            return list(self._lines)

    @property
    def logs(self) -> str:
        """The log up to now as text."""
        return "\n".join(map(str, self.lines))

    def wait_for(self, pattern: str, count: int = 1, limit: float = 20.0) -> list[Line]:
        """The lines in which a pattern is found, as soon as there are `count`; `TimeoutError` with the log."""
        end = time.monotonic() + limit
        with self._grown:
            while len(found := [line for line in self._lines if re.search(pattern, line.text)]) < count:
                if not self._grown.wait(end - time.monotonic()):
                    log = "\n".join(map(str, self._lines))
                    raise TimeoutError(f"wanted {count} x {pattern!r} in the log within {limit} s, found:\n{log}")
            return found

    def wait_until_idle(self, limit: float = 20.0) -> None:
        """Returns when no environment is busy: all are frozen or ended."""
        end = time.monotonic() + limit
        while any(environment.state in {"new", "busy"} for environment in self.environments):
            if time.monotonic() > end:
                raise TimeoutError(f"still busy after {limit} s:\n{self.logs}")
            time.sleep(0.01)

    def invoke(self, event: Mapping[str, Any]) -> Collected:
        """Invokes with an event of one's own, past the URL; the answer whole."""
        collected = Collected()
        self._run(self._platform.invoke(Invocation(json.dumps(event).encode(), collected)))
        return collected

    def retire(self) -> None:
        """Ends all environments as Lambda ends idle ones; the next request starts another."""
        self._run(self._retire())

    def start(self) -> None:
        self._thread.start()
        self._run(self._front.start())
        self.url = self._front.url
        self._run(self._platform.warm())

    def stop(self) -> None:
        try:
            self._run(self._platform.close())
            self._run(self._front.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _retire(self) -> None:
        await asyncio.gather(*(environment.retire() for environment in self._platform.living))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _emit(self, line: Line) -> None:
        with self._grown:
            self._lines.append(line)
            self._grown.notify_all()


@contextlib.contextmanager
def running(
    command: Sequence[str] = (),
    *,
    adapter: Path | None = None,
    image: str = "",
    env: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Local]:
    """A platform for the time of a `with`; the other settings are those of `Settings`, such as `timeout=3`."""
    local = Local(Settings(command=tuple(command), adapter=adapter, image=image, env=dict(env or {}), **settings))
    local.start()
    try:
        yield local
    finally:
        local.stop()
