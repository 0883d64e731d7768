"""A local upstream: HTTP/1.1 on asyncio streams, answers like the Anthropic API and misbehaves on demand.

What it answers is in `tests.scenarios` and `tests.misbehaviour`. It takes, in this order: what `plan()` queued, the
request header `x-scenario: NAME[?key=value&…]`, what the path asks for. By hand: `python -m tests.upstream --port 8000`.
"""

import argparse
import asyncio
import contextlib
import gzip
import hashlib
import json
import socket
import struct
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

import zstandard

from tests.http1 import Header, head, read_request, self_signed
from tests.misbehaviour import build
from tests.scenarios import Answer, Json

HEAD_LIMIT = 1 << 20
SETTLE = 0.05  # seconds before a cut: clients drop what they have not looked at when they see one


@dataclass
class Received:
    """One request as it arrived, and what became of its answer."""

    method: str
    target: str
    headers: list[Header]
    body: bytes
    connection: int
    scenario: str = ""
    ended: Literal["", "answered", "cut", "client_gone"] = ""
    ended_at: float = 0
    sent_at: list[float] = field(default_factory=list)  # monotonic seconds, one for each piece

    def header(self, name: str) -> str:
        wanted = name.lower().encode()
        return b", ".join(value for key, value in self.headers if key.lower() == wanted).decode("latin-1")

    @cached_property
    def payload(self) -> Json:
        """The body as JSON, decoded by its Content-Encoding; {} where it is none."""
        body = self.body
        match self.header("content-encoding"):
            case "gzip":
                body = gzip.decompress(body)
            case "zstd":
                body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        with contextlib.suppress(ValueError):
            value = json.loads(body)
            return value if isinstance(value, dict) else {}
        return {}

    @property
    def streams(self) -> bool:
        return self.payload.get("stream") is True

    @property
    def request_id(self) -> str:
        """Follows from the request, so that two answers to equal requests are equal bytes."""
        return f"req_011Fake{hashlib.sha256(self.target.encode() + self.body).hexdigest()[:20]}"


class _Connection(asyncio.StreamReaderProtocol):
    """A stream protocol that also says when the peer has gone."""

    def __init__(self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event], Any]) -> None:
        self.gone = asyncio.Event()
        super().__init__(asyncio.StreamReader(limit=HEAD_LIMIT), lambda r, w: serve(r, w, self.gone))

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


class Upstream:
    """`start()` and `stop()` in a loop of yours, or `with serving() as upstream:` in a thread of its own."""

    def __init__(self, *, port: int = 0, tls: bool = False, default: str = "text", keep: bool = True) -> None:
        self.port = port
        self.tls = tls
        self.default: tuple[str, Json] = (default, {})
        self.keep = keep  # False: requests are answered and forgotten (the bench)
        self.requests: list[Received] = []
        self._planned: deque[tuple[str, Json] | Answer] = deque()
        self._changed = threading.Condition()
        self._open: set[asyncio.StreamWriter] = set()
        self._connections = 0

    # -- what tests call, from any thread

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def plan(self, what: str | Answer, *, times: int = 1, **params: Any) -> None:
        """Queue the scenario of the next request, or of the next `times`."""
        self._planned.extend([what if isinstance(what, Answer) else (what, params)] * times)

    def step(self, count: int = 1) -> None:
        """Let a lockstep answer send its next `count` pieces."""
        for _ in range(count):
            self._loop.call_soon_threadsafe(self._steps.release)

    def reset(self) -> None:
        """Forget requests and plans; open answers are left alone."""
        with self._changed:
            self.requests.clear()
            self._planned.clear()
            self.default = ("text", {})
        self._steps = asyncio.Semaphore(0)

    def wait(self, until: Callable[[list[Received]], bool], timeout: float = 5) -> list[Received]:
        """Block until `until(requests)` holds; AssertionError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: until(self.requests), timeout):
                state = [(r.method, r.target, r.scenario, r.ended) for r in self.requests]
                raise AssertionError(f"upstream did not get there within {timeout} s: {state}")
            return list(self.requests)

    # -- the server

    async def start(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._steps = asyncio.Semaphore(0)
        context = self_signed() if self.tls else None
        self._server = await self._loop.create_server(
            lambda: _Connection(self._serve), "127.0.0.1", self.port, ssl=context, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        self._open.add(writer)
        self._connections += 1
        number = self._connections
        try:
            while parts := await read_request(reader, writer):
                request = Received(*parts, number)
                answer = self._answer_for(request)
                with self._changed:
                    if self.keep:
                        self.requests.append(request)
                    self._changed.notify_all()
                if not await self._send(request, answer, writer, gone):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the peer left between or within requests: nothing to answer
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer_for(self, request: Received) -> Answer:
        planned = self._planned.popleft() if self._planned else None
        if isinstance(planned, Answer):
            request.scenario = "planned"
            return planned
        name, params = planned or _asked_for(request) or self._routed(request)
        request.scenario = name
        return build(name, request, **params)

    def _routed(self, request: Received) -> tuple[str, Json]:
        match request.method, request.target.partition("?")[0]:
            case "POST", "/v1/messages":
                return self.default
            case "POST", "/v1/messages/count_tokens":
                return "count_tokens", {}
            case "GET", "/v1/models":
                return "models", {}
            case "HEAD", "/api/hello":
                return "hello", {}
            case _:
                return "not_found", {}

    async def _send(self, request: Received, answer: Answer, writer: asyncio.StreamWriter, gone: asyncio.Event) -> bool:
        """Send the answer; False when the connection is over."""
        sending = asyncio.ensure_future(self._pieces(request, answer, writer))
        leaving = asyncio.ensure_future(gone.wait())
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        left = not sending.done() or isinstance(sending.exception(), ConnectionError)
        if left:
            sending.cancel()
        elif failure := sending.exception():
            raise failure
        with self._changed:
            request.ended = "client_gone" if left else "answered" if answer.end == "clean" else "cut"
            request.ended_at = time.monotonic()
            self._changed.notify_all()
        if answer.end in ("rst", "fin") and not left:
            await asyncio.sleep(SETTLE)
        if answer.end == "rst" and not left:
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        over = left or answer.end != "clean" or answer.framing == "close"
        return not over and request.header("connection").lower() != "close"

    async def _pieces(self, request: Received, answer: Answer, writer: asyncio.StreamWriter) -> None:
        if answer.wait:
            await asyncio.sleep(answer.wait)
        pieces = () if request.method == "HEAD" else answer.pieces
        chunked = answer.framing == "chunked" and request.method != "HEAD"
        pacing = answer.every > 0 or answer.lockstep
        out = bytearray() if answer.silent else bytearray(head(answer, request.request_id))
        if pacing or answer.end == "hang":
            writer.write(bytes(out))
            out.clear()
        began = time.monotonic()
        for index, piece in enumerate(pieces):
            if answer.lockstep:
                await self._steps.acquire()
            elif answer.every:
                await asyncio.sleep(max(0.0, began + index * answer.every - time.monotonic()))
            body = piece if isinstance(piece, bytes) else piece()
            out += b"%x\r\n%b\r\n" % (len(body), body) if chunked else body
            if pacing or len(out) > HEAD_LIMIT:
                request.sent_at.append(time.monotonic())
                writer.write(bytes(out))
                out.clear()
                await writer.drain()
        if chunked and answer.end == "clean":
            out += b"0\r\n\r\n"
        writer.write(bytes(out))
        await writer.drain()
        if answer.end == "hang":
            await asyncio.get_running_loop().create_future()


def _asked_for(request: Received) -> tuple[str, Json] | None:
    name, _, query = request.header("x-scenario").partition("?")
    return (name, {key: _literal(value) for key, value in urllib.parse.parse_qsl(query)}) if name else None


def _literal(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


@contextlib.contextmanager
def serving(*, port: int = 0, tls: bool = False, default: str = "text", keep: bool = True) -> Iterator[Upstream]:
    """An upstream in a thread of its own, listening when the block starts."""
    upstream = Upstream(port=port, tls=tls, default=default, keep=keep)
    listening, over = threading.Event(), threading.Event()

    async def run() -> None:
        await upstream.start()
        listening.set()
        await asyncio.to_thread(over.wait)
        await upstream.stop()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    if not listening.wait(10):
        raise RuntimeError("the upstream did not start")
    try:
        yield upstream
    finally:
        over.set()
        thread.join(10)


async def _forever(upstream: Upstream) -> None:
    await upstream.start()
    print(upstream.url, flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: any free port; the URL is printed")
    parser.add_argument("--tls", action="store_true", help="TLS with a self-signed certificate")
    parser.add_argument("--default", default="text", help="scenario for POST /v1/messages (default: text)")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_forever(Upstream(port=given.port, tls=given.tls, default=given.default, keep=False)))
