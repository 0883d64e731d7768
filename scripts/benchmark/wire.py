"""Requests as bytes, and the end of an answer in the bytes that come: what the load generator speaks.

It knows the one thing it has to, HTTP/1.1 framing, so that the client costs little beside what it measures.
"""

import json
import re
import socket
import time
from typing import Any

CHUNK = 1 << 18
LAST_CHUNK = b"\r\n0\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
PROBE = b"HEAD /api/hello HTTP/1.1\r\nHost: api.test\r\n\r\n"  # leaves no record

Json = dict[str, Any]


def conversation(size: int, *, stream: bool) -> bytes:
    """A well-formed Messages request of about `size` bytes: a tool round of 2 KB, again and again."""
    messages: list[Json] = [{"role": "user", "content": "hello"}]
    used = 300
    while used < size:
        line = f"{used}: the file as it was read, with what stands in it\n"
        text = line * (min(2000, size - used) // len(line) + 1)
        call = {"type": "tool_use", "id": f"toolu_{used}", "name": "Read", "input": {"file_path": f"/src/{used}"}}
        back = {"type": "tool_result", "tool_use_id": f"toolu_{used}", "content": text}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [back]}]
        used += len(text) + 230
    tool = {"name": "Read", "description": "Read a file.", "input_schema": {"type": "object", "properties": {}}}
    body = {"model": "claude-opus-5-5", "max_tokens": 1024, "messages": messages, "tools": [tool], "stream": stream}
    return json.dumps(body, separators=(",", ":")).encode()


def request(scenario: str, body: bytes) -> bytes:
    """A Messages call as bytes; the upstream answers with `scenario`."""
    lines = [
        "POST /v1/messages?beta=true HTTP/1.1", "Host: api.test", "Content-Type: application/json",
        "x-api-key: sk-ant-fake-000", "anthropic-version: 2023-06-01", "Accept-Encoding: identity",
        "X-Claude-Code-Session-Id: a1985f7f-b6e1-4285-8502-ee57406387ac", f"x-scenario: {scenario}",
        f"Content-Length: {len(body)}",
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Answer:
    """The bytes of one answer, up to their end."""

    __slots__ = ("_data", "_length")

    def __init__(self) -> None:
        self._data = bytearray()
        self._length = 0  # bytes in all; 0 until the head is there, -1 for a chunked body

    def feed(self, data: bytes, *, bodiless: bool = False) -> bool:
        """True when the answer is whole; RuntimeError for any status but 200, and for bytes after its end."""
        self._data += data
        if not self._length:
            end = self._data.find(b"\r\n\r\n") + 4
            if end < 4:
                return False
            head = bytes(self._data[:end]).lower()
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(f"wanted an answer of 200, got {bytes(self._data[:300])!r}")
            length = LENGTH.search(head)
            self._length = end if bodiless else end + int(length[1]) if length else -1
        if self._length < 0:
            return self._data.endswith(LAST_CHUNK)
        if len(self._data) > self._length:
            raise RuntimeError(f"{len(self._data) - self._length} bytes after the end of an answer")
        return len(self._data) == self._length


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return connection


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(CHUNK)
    if not data:
        raise ConnectionError("the connection ended within an answer")
    return data


def exchange(connection: socket.socket, sent: bytes) -> tuple[float, float]:
    """Send a request and read the whole answer: seconds to its first byte and to its last."""
    answer, bodiless = Answer(), sent.startswith(b"HEAD ")
    began = time.perf_counter()
    connection.sendall(sent)
    data = receive(connection)
    first = time.perf_counter()
    while not answer.feed(data, bodiless=bodiless):
        data = receive(connection)
    return first - began, time.perf_counter() - began
