"""A client that sends bytes and reads bytes, so that a test sees what is on the wire and when."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

Headers = Sequence[tuple[str, str]]
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
LIMIT = 20.0  # seconds without a byte before a read fails


@dataclass(frozen=True)
class Answer:
    """What a client was given: `whole` is False where the body ended without its terminator or before its length."""

    status_line: str
    headers: Headers
    body: bytes
    whole: bool

    @property
    def status(self) -> int:
        return int(self.status_line.split()[1])

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def passed_through(self) -> tuple[str, Headers, bytes, bool]:
        """All of it that a proxy must not change."""
        return self.status_line, end_to_end(self.headers), self.body, self.whole


def end_to_end(headers: Headers) -> Headers:
    """Headers without those of one connection only (RFC 9110, 7.6.1)."""
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]


class Client:
    """One connection. The body can be read as it comes (`read_body`) or to its end (`answer`)."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self._buffer = b""
        self._left: int | None = None  # bytes left of a body with a length
        self.ended = False
        self.whole = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, method: str, target: str, headers: Headers = (), body: bytes = b"", *, chunks: int = 0) -> Self:
        """Send a request, with Content-Length or in chunks of `chunks` bytes."""
        sent = [("Host", "api.test"), *headers]
        if chunks:
            sent.append(("Transfer-Encoding", "chunked"))
            parts = [body[at : at + chunks] for at in range(0, len(body), chunks)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif body or method == "POST":
            sent.append(("Content-Length", str(len(body))))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent) + "\r\n"
        self._socket.sendall(head.encode("latin-1") + body)
        self._method = method
        return self

    def read_head(self) -> tuple[str, Headers]:
        """Status line and headers; ConnectionError where none came."""
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines]
        headers = [(name, value.strip()) for name, _, value in pairs]
        low = {name.lower(): value for name, value in headers}
        self._chunked = low.get("transfer-encoding") == "chunked"
        self._left = int(low["content-length"]) if "content-length" in low and not self._chunked else None
        if self._method == "HEAD" or re.match(r"HTTP/1.1 (1..|204|304) ", first):
            self._chunked, self._left = False, 0
        self.ended = self.whole = self._left == 0
        return first, headers

    def read_body(self) -> bytes:
        """The next bytes of the body as they come, b"" at its end."""
        if self.ended:
            return b""
        try:
            return self._next_chunk() if self._chunked else self._next_bytes()
        except ConnectionError:
            self.ended = True
            return b""

    def read_until(self, wanted: bytes) -> bytes:
        """Body bytes up to and with `wanted`; AssertionError where the body ends first."""
        got = b""
        while wanted not in got:
            got += self.read_more()
        return got

    def read_more(self) -> bytes:
        """The next bytes of a body that must not be at its end."""
        part = self.read_body()
        assert part, "the body ended too early"
        return part

    def answer(self) -> Answer:
        """The whole answer."""
        first, headers = self.read_head()
        body = bytearray()
        while part := self.read_body():
            body += part
        return Answer(first, headers, bytes(body), self.whole)

    def _next_chunk(self) -> bytes:
        size = int(self._until(b"\r\n"), 16)
        data = self._exactly(size + 2)[:-2]
        self.ended = self.whole = size == 0
        return data

    def _next_bytes(self) -> bytes:
        data, self._buffer = self._buffer, b""
        if not data:
            data = self._socket.recv(1 << 16)
        if self._left is None:  # until the connection ends, as HTTP allows
            self.ended = self.whole = not data
            return data
        if not data:
            raise ConnectionError("the body ended before its length")
        self._left -= len(data)
        self.ended = self.whole = self._left == 0
        return data

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._fill()
        data, _, self._buffer = self._buffer.partition(mark)
        return data

    def _exactly(self, size: int) -> bytes:
        parts = [self._buffer]
        have = len(self._buffer)
        while have < size:
            self._buffer = b""
            self._fill()
            parts.append(self._buffer)
            have += len(self._buffer)
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _fill(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the connection ended")
        self._buffer += data


def call(port: int, method: str, target: str, headers: Headers = (), body: bytes = b"", **how: int) -> Answer:
    """One request on a connection of its own."""
    with Client(port) as client:
        return client.send(method, target, headers, body, **how).answer()
