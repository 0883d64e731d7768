"""A Function URL (AuthType NONE, InvokeMode RESPONSE_STREAM) on loopback: HTTP/1.1 → event → streamed answer.

https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

import asyncio
import datetime as dt
import json
import secrets
import time
import uuid
from email.utils import formatdate

from .event import LIMIT, Context, Request, build, encode, trace_root
from .http1 import HEAD_LIMIT, Body, Head, answer_bytes, chunk, head_bytes, read_head
from .invocation import Invocation
from .log import Emit, Line
from .platform import Platform
from .prelude import Prelude
from .settings import Settings

ANSWER_LIMIT = 200 << 20  # bytes of a streamed answer
BURST, RATE = 6 << 20, 2 << 20  # bytes that pass freely, bytes a second behind them
REMAPPED = frozenset({"connection", "content-length", "date", "server", "www-authenticate"})
DROPPED = frozenset({"transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "x-amzn-requestid"})
TOO_LARGE = f"Request must be smaller than {LIMIT} bytes for the InvokeFunction operation"
EMPTY = (
    "in stream mode a Function URL sends the headers and then nothing, not even the end, until the function's timeout. "
    "So does this, but to HEAD, where no client waits for a body (--no-strict-empty ends them all)"
)
TYPES = {413: "RequestEntityTooLargeException", 429: "TooManyRequestsException"}


class UrlAnswer:
    """An answer on its way to one client. `over` is set when the client has it whole or never will.

    A client that leaves stops nothing: what the function still says is dropped.
    """

    def __init__(self, writer: asyncio.StreamWriter, head: Head, context: Context, settings: Settings, emit: Emit):
        self.over = asyncio.Event()
        self.reusable = True  # whether the connection can take another request
        self._writer = writer
        self._request = head
        self._context = context
        self._settings = settings
        self._emit = emit
        self._began = time.monotonic()
        self._started = False
        self._gone = False
        self._sent = 0
        self._throttled_since = 0.0

    async def head(self, prelude: Prelude) -> None:
        self._started = True
        pairs = [(_renamed(name), value) for name, value in prelude.headers if name.lower() not in DROPPED]
        pairs += [("Set-Cookie", cookie) for cookie in prelude.cookies]
        if prelude.get("content-type") is None:
            pairs.append(("Content-Type", "application/octet-stream"))
        if len({name.lower() for name, _ in prelude.headers}) < len(prelude.headers):
            self._say("a header occurs twice; what AWS makes of that is not known")
        keep = [("Transfer-Encoding", "chunked"), ("Connection", "keep-alive")]
        if self._request.version == "HTTP/1.0":
            keep, self.reusable = [("Connection", "close")], False
        await self._write(head_bytes(prelude.status, [("Date", formatdate(usegmt=True)), *pairs, *keep, *self._own()]))

    async def body(self, data: bytes) -> None:
        self._sent += len(data)
        if self._sent > ANSWER_LIMIT:
            self._cut(f"the answer is over {ANSWER_LIMIT} bytes")
        elif self._settings.throttle and self._sent > BURST:
            await self._slowly(data)
        else:
            await self._piece(data)

    async def end(self) -> None:
        if not self._sent and self._settings.strict_empty:
            self._say(f"EMPTY BODY to a {self._request.method} request: {EMPTY}")
            if not self._bodiless:
                asyncio.get_running_loop().call_later(self._left(), self._cut, "the hang of an empty body")
                return
        if self._request.version != "HTTP/1.0" and not self._bodiless:
            await self._write(b"0\r\n\r\n")
        self.over.set()

    async def fail(self, error: str, status: int = 502) -> None:
        if self._started:
            self._cut(error)
            return
        body, kind = b"Internal Server Error", "text/plain"
        if status in TYPES:
            body, kind = json.dumps({"Message": error}).encode(), "application/json"
        more = [("x-amzn-ErrorType", TYPES[status])] if status in TYPES else []
        await self._write(answer_bytes(status, body, ("Content-Type", kind), *self._own(), *more))
        self.over.set()

    @property
    def _bodiless(self) -> bool:
        return self._request.method == "HEAD"

    def _own(self) -> list[tuple[str, str]]:
        return [("x-amzn-RequestId", self._context.request_id), ("X-Amzn-Trace-Id", self._context.trace_id)]

    def _left(self) -> float:
        return max(0.0, self._settings.timeout - (time.monotonic() - self._began))

    async def _slowly(self, data: bytes) -> None:
        """At RATE, in pieces of a tenth of a second."""
        for at in range(0, len(data), RATE // 10):
            await asyncio.sleep(len(piece := data[at : at + RATE // 10]) / RATE)
            await self._piece(piece)

    async def _piece(self, data: bytes) -> None:
        if not self._bodiless:
            await self._write(data if self._request.version == "HTTP/1.0" else chunk(data))

    async def _write(self, data: bytes) -> None:
        if self._gone:
            return
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            self._leave("the client is gone; the invocation goes on")

    def _cut(self, why: str) -> None:
        """Ends the connection within the answer."""
        if not self._gone:
            self._leave(f"the connection is cut: {why}")
            self._writer.close()

    def _leave(self, why: str) -> None:
        self._gone = True
        self.reusable = False
        self._say(why)
        self.over.set()

    def _say(self, text: str) -> None:
        self._emit(Line(f"RequestId: {self._context.request_id} {text}"))


class FunctionUrl:
    """The server of the URL."""

    def __init__(self, platform: Platform, emit: Emit) -> None:
        self.url = ""
        self._platform = platform
        self._settings = platform.settings
        self._emit = emit
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        port = self._settings.url_port
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=HEAD_LIMIT)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The requests of one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (head := await read_head(reader)) and await self._request(reader, writer, head):
                pass
        except ValueError as e:
            writer.write(answer_bytes(400, f"{e}\n".encode(), ("Connection", "close")))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # gone before its request was whole
        finally:
            self._connections.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head) -> bool:
        """One request; whether the connection can take another."""
        if head.has("expect", "100-continue"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _bounded(Body(reader, head))
        context = self._context(head)
        answer = UrlAnswer(writer, head, context, self._settings, self._emit)
        peer = writer.get_extra_info("peername")
        request = Request(head.method, head.target, head.headers, body or b"", peer[0] if peer else "127.0.0.1")
        event = encode(build(request, context))
        if body is None or len(event) > LIMIT:
            self._emit(Line(f"RequestId: {context.request_id} the event is over {LIMIT} bytes: not invoked"))
            await answer.fail(TOO_LARGE, 413)
        else:
            invocation = Invocation(event, answer, context.trace_id, context.request_id)
            self._platform.begin(self._platform.invoke(invocation))
            await answer.over.wait()
        return answer.reusable and not head.has("connection", "close")

    def _context(self, head: Head) -> Context:
        root = trace_root(head.get("x-amzn-trace-id")) or f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        return Context(str(uuid.uuid4()), root, dt.datetime.now(dt.UTC), self._settings.name, self._settings.region)


async def _bounded(body: Body) -> bytes | None:
    """A request body, None where it cannot fit into an event; it is read to its end all the same."""
    parts: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size <= LIMIT:
            parts.append(piece)
    return b"".join(parts) if size <= LIMIT else None


def _renamed(name: str) -> str:
    return f"x-amzn-Remapped-{name.lower()}" if name.lower() in REMAPPED else name
