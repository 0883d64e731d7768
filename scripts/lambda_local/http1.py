"""Bytes of HTTP/1.1 ⇄ heads and pieces of bodies, for a server on asyncio streams (RFC 9112)."""

import asyncio
import http
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

HEAD_LIMIT = 1 << 20  # bytes; Lambda's own limit for request line and headers
PIECE = 1 << 16

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Head:
    """Request line and headers, the headers in order and as they were written."""

    method: str
    target: str
    version: str
    headers: Headers

    def get(self, name: str) -> str | None:
        """The first value of a header, None where it is missing."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def has(self, name: str, token: str) -> bool:
        """Whether `token` is in the comma-separated value of a header."""
        return token in {part.strip() for part in (self.get(name) or "").lower().split(",")}


@dataclass
class Body:
    """The body behind a head: iterate it once for its pieces, which come as they arrive; then it has its trailers."""

    reader: asyncio.StreamReader
    head: Head
    trailers: dict[str, str] = field(default_factory=dict)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Raises `asyncio.IncompleteReadError` where the connection ends first, `ValueError` where it is malformed."""
        if self.head.has("transfer-encoding", "chunked"):
            while size := int((await _line(self.reader)).split(b";")[0], 16):
                async for piece in _exactly(self.reader, size):
                    yield piece
                await self.reader.readexactly(2)
            self.trailers.update({name.lower(): value for name, value in [pair async for pair in _fields(self.reader)]})
        else:
            async for piece in _exactly(self.reader, int(self.head.get("content-length") or 0)):
                yield piece

    async def read(self) -> bytes:
        """All of it."""
        return b"".join([piece async for piece in self])


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The head of the next request, None where the connection ends before one. `ValueError` where it is malformed."""
    try:
        first = await _line(reader)
        headers = [pair async for pair in _fields(reader)]
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as e:
        raise ValueError(f"wanted a head of at most {HEAD_LIMIT} bytes") from e
    method, target, version = first.decode("latin-1").split(" ")
    return Head(method, target, version, tuple(headers))


def head_bytes(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Status line and headers of an answer."""
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def answer_bytes(status: int, body: bytes, *headers: tuple[str, str]) -> bytes:
    """A whole answer with its length."""
    return head_bytes(status, [*headers, ("Content-Length", str(len(body)))]) + body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _line(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\r\n"))[:-2]


async def _fields(reader: asyncio.StreamReader) -> AsyncIterator[tuple[str, str]]:
    """Header or trailer fields up to the empty line."""
    size = 0
    while line := await _line(reader):
        size += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or size > HEAD_LIMIT:
            raise ValueError(f"wanted 'name: value', found {line[:80]!r}" if not colon else "the head is too large")
        yield name, value.strip()


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    """`size` bytes, as they come."""
    while size:
        piece = await reader.read(min(size, PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", size)
        size -= len(piece)
        yield piece
