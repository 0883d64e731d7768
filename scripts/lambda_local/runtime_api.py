"""The Runtime API (2018-06-01) and the Extensions API (2020-01-01) of one execution environment, on a port of its own.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .http1 import HEAD_LIMIT, Body, Head, answer_bytes, read_head
from .invocation import Invocation
from .settings import Settings

RUNTIME = "/2018-06-01/runtime/"
EXTENSION = "/2020-01-01/extension/"
NO_PRELUDE = "the response is no HTTP stream, so all of it is body: is AWS_LWA_INVOKE_MODE=response_stream missing?"
OK = b'{"status":"OK"}\n'


@dataclass
class Extension:
    """A registered extension; `waiting` while it stands in event/next."""

    name: str
    events: list[str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    waiting: bool = False


@dataclass
class Connection:
    """One connection of the runtime or an extension."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self, status: int, body: bytes = OK, *headers: tuple[str, str]) -> None:
        self.writer.write(answer_bytes(status, body, ("Content-Type", "application/json"), *headers))
        await self.writer.drain()

    async def refuse(self, status: int, kind: str, message: str) -> None:
        await self.answer(status, json.dumps({"errorType": kind, "errorMessage": message}).encode())


class RuntimeApi:
    """Hands invocations to the runtime one at a time. `broken` tells what the function reported as fatal, or ""."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.extensions: dict[str, Extension] = {}
        self.broken = ""
        self.current: Invocation | None = None
        self.address = ""
        self._settings = settings
        self._say = say
        self._deadline_ms = 0
        self._offered: asyncio.Queue[Invocation] = asyncio.Queue()
        self._runtime_waiting = False
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_LIMIT)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def offer(self, invocation: Invocation, deadline_ms: int) -> None:
        """Gives the runtime its next event, and tells the extensions that want to know."""
        self._deadline_ms = deadline_ms
        self.current = invocation
        self._runtime_waiting = False
        self._offered.put_nowait(invocation)
        tracing = {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id}
        arn = self._settings.arn
        self._tell("INVOKE", deadlineMs=deadline_ms, requestId=invocation.id, invokedFunctionArn=arn, tracing=tracing)

    def announce_shutdown(self, deadline_ms: int, reason: str) -> bool:
        """Tells the extensions that subscribed to it; whether there are any."""
        return self._tell("SHUTDOWN", deadlineMs=deadline_ms, shutdownReason=reason)

    async def registered(self, number: int) -> None:
        """Returns when so many extensions have registered."""
        await self._until(lambda: len(self.extensions) >= number)

    async def settled(self) -> None:
        """Returns when all stand in a `next` call with nothing pending: the moment of the freeze."""
        await self._until(
            lambda: self._runtime_waiting and all(extension.waiting for extension in self.extensions.values())
        )

    async def failed(self) -> None:
        """Returns when the function reported a fatal error, see `broken`."""
        await self._until(lambda: bool(self.broken))

    def _tell(self, kind: str, **more: object) -> bool:
        wanting = [extension for extension in self.extensions.values() if kind in extension.events]
        for extension in wanting:
            extension.waiting = False
            extension.inbox.put_nowait({"eventType": kind, **more})
        return bool(wanting)

    async def _until(self, met: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(met)

    async def _change(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        self._writers.add(writer)
        try:
            while head := await read_head(reader):
                await self._route(connection, head)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the process is gone; whoever watches it knows
        except ValueError as e:
            self._say(f"Runtime API: bad request: {e}")
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _route(self, connection: Connection, head: Head) -> None:
        body = Body(connection.reader, head)
        match head.method, head.target:
            case "GET", path if path == RUNTIME + "invocation/next":
                await self._next(connection)
            case "POST", path if path.startswith(RUNTIME + "invocation/"):
                await self._result(connection, head, body)
            case "POST", path if path == RUNTIME + "init/error":
                await self._fatal(connection, "Runtime init error", head, body)
            case "POST", path if path == EXTENSION + "register":
                await self._register(connection, head, body)
            case "GET", path if path == EXTENSION + "event/next":
                await self._event(connection, head)
            case "POST", path if path in {EXTENSION + "init/error", EXTENSION + "exit/error"}:
                await self._fatal(connection, "Extension error", head, body)
            case _:
                await body.read()
                self._say(f"Runtime API: {head.method} {head.target} is not emulated")
                await connection.refuse(404, "NotFound", f"no such resource: {head.target}")

    async def _next(self, connection: Connection) -> None:
        """Holds the runtime until there is an event for it."""
        if self.current is not None and not self.current.over.is_set() and self._offered.empty():
            await connection.refuse(403, "InvalidStateTransition", "the current invocation has not been answered")
            return
        self._runtime_waiting = self._offered.empty()
        await self._change()
        invocation = await _unless_gone(self._offered, connection.reader)
        if invocation is None:
            self._runtime_waiting = False
            return
        await connection.answer(
            200,
            invocation.event,
            ("Lambda-Runtime-Aws-Request-Id", invocation.id),
            ("Lambda-Runtime-Deadline-Ms", str(self._deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", self._settings.arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace_id),
        )

    async def _result(self, connection: Connection, head: Head, body: Body) -> None:
        """`invocation/{id}/response` and `invocation/{id}/error`."""
        id_, _, kind = head.target.removeprefix(RUNTIME + "invocation/").partition("/")
        invocation = self.current
        if invocation is None or invocation.id != id_ or invocation.over.is_set():
            await body.read()
            await connection.refuse(400, "InvalidRequestID", f"no invocation {id_} is waiting for an answer")
        elif kind == "response":
            await self._response(connection, head, body, invocation)
        elif kind == "error":
            error = (await body.read()).decode("utf-8", "replace")
            self._say(f"RequestId: {id_} the function failed: {error[:2000]}")
            await invocation.fail(error)
            await connection.answer(202)
        else:
            await body.read()
            await connection.refuse(404, "NotFound", f"no such resource: {head.target}")

    async def _response(self, connection: Connection, head: Head, body: Body, invocation: Invocation) -> None:
        """Passes the pieces on as they come."""
        try:
            if not await invocation.begin(head.get("content-type") or ""):
                self._say(f"RequestId: {invocation.id} {NO_PRELUDE}")
            async for piece in body:
                await invocation.receive(piece)
        except ValueError as e:
            self._say(f"RequestId: {invocation.id} the response is malformed: {e}")
            await invocation.fail(f"malformed response: {e}")
            raise
        except (asyncio.IncompleteReadError, ConnectionError):
            await invocation.fail("the runtime cut its response")
            raise
        if error := body.trailers.get("lambda-runtime-function-error-type"):
            self._say(f"RequestId: {invocation.id} the function failed within its response: {error}")
            await invocation.fail(error)
        await invocation.finish()
        await connection.answer(202)

    async def _register(self, connection: Connection, head: Head, body: Body) -> None:
        name = head.get("lambda-extension-name") or ""
        wanted = json.loads(await body.read() or b"{}")
        extension = Extension(name, list(wanted.get("events") or []))
        self.extensions[extension.id] = extension
        self._say(f"EXTENSION Name: {name} State: Registered Events: {json.dumps(extension.events)}")
        about = {"functionName": self._settings.name, "functionVersion": "$LATEST", "handler": ""}
        await connection.answer(200, json.dumps(about).encode(), ("Lambda-Extension-Identifier", extension.id))
        await self._change()

    async def _event(self, connection: Connection, head: Head) -> None:
        """Holds an extension until there is an event for it."""
        extension = self.extensions.get(head.get("lambda-extension-identifier") or "")
        if extension is None:
            await connection.refuse(403, "Extension.UnknownExtensionIdentifier", "the extension is not registered")
            return
        extension.waiting = extension.inbox.empty()
        await self._change()
        event = await _unless_gone(extension.inbox, connection.reader)
        if event is None:
            await self._break(f"Extension.Crash: {extension.name} is gone")
        else:
            await connection.answer(200, json.dumps(event).encode(), ("Lambda-Extension-Event-Identifier", head.target))

    async def _fatal(self, connection: Connection, what: str, head: Head, body: Body) -> None:
        kind = head.get("lambda-runtime-function-error-type") or head.get("lambda-extension-function-error-type") or ""
        text = (await body.read()).decode("utf-8", "replace")
        await connection.answer(202)
        await self._break(f"{what}: {kind} {text[:2000]}")

    async def _break(self, reason: str) -> None:
        self.broken = self.broken or reason
        await self._change()


async def _unless_gone[T](queue: "asyncio.Queue[T]", reader: asyncio.StreamReader) -> T | None:
    """The next of the queue, None where the peer hangs up while it waits."""
    item, gone = asyncio.ensure_future(queue.get()), asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({item, gone}, return_when=asyncio.FIRST_COMPLETED)
        return item.result() if item.done() else None
    finally:
        for task in (item, gone):
            task.cancel()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await gone
