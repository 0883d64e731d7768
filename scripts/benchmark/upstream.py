"""The upstream of the benchmark: the request header `x-scenario` to an answer, at once or at a steady pace.

A process of its own that prints its URL. It counts the bytes of a request and does not look at them, and makes each
answer once. `NAME` is a file of tests/fixtures/responses, sent in one write. `stamped?events=N&delay=S` sends N text
deltas, S seconds apart, each with the monotonic nanosecond at which it was sent.
"""

import asyncio
import contextlib
import re
import time
from functools import cache
from urllib.parse import parse_qsl

from tests.http1 import head
from tests.scenarios import Answer, events_of, frame, message, sse, verbatim, whole_json

SCENARIO = re.compile(rb"\r\nx-scenario: *([^\r]*)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
UNSTAMPED = 6  # events at the start and the end: what is timed are events, not the start of streams or their end


@cache
def whole(scenario: str) -> bytes:
    """A whole answer as bytes."""
    answer = verbatim(scenario) if scenario else whole_json({})
    pieces = [piece for piece in answer.pieces if isinstance(piece, bytes)]
    body = b"".join(pieces)
    if answer.framing == "chunked":
        body = b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    return head(answer, "req_011Fake") + body


@cache
def around_stamps() -> tuple[Answer, list[bytes], list[bytes]]:
    """A stream's head, the frames before its stamped events and those after."""
    frames = [frame(event) for event in events_of(message([{"type": "text", "text": "x"}]))]
    return sse([]), frames[:3], frames[-3:]


def stamp() -> bytes:
    delta = {"type": "text_delta", "text": f"t={time.monotonic_ns()}"}
    return frame({"type": "content_block_delta", "index": 0, "delta": delta})


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


class Connection(asyncio.Protocol):
    """One kept connection; a request is answered once its last byte has come."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._missing = 0  # bytes of the body that are still to come
        self._scenario = ""
        self._bodiless = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._began(bytes(self._head[:end]).lower(), len(self._head) - end - 4)
            self._head.clear()
        if self._missing == 0:
            self._answer()
        elif self._missing < 0:
            self._transport.abort()

    def _began(self, start: bytes, rest: int) -> None:
        length, scenario = LENGTH.search(start), SCENARIO.search(start)
        self._missing = (int(length[1]) if length else 0) - rest
        self._scenario = scenario[1].decode() if scenario else ""
        self._bodiless = start.startswith(b"head ")

    def _answer(self) -> None:
        name, _, query = self._scenario.partition("?")
        if name == "stamped":
            pace = self._pace(**{key: float(value) for key, value in parse_qsl(query)})
            self._pacing = asyncio.ensure_future(pace)
            return
        answer = whole(name)
        self._transport.write(answer[: answer.index(b"\r\n\r\n") + 4] if self._bodiless else answer)

    async def _pace(self, events: float, delay: float) -> None:
        """One event every `delay`: three of the start, the stamped ones, three of the end."""
        start, before, after = around_stamps()
        self._transport.write(head(start, "req_011Fake"))
        began = time.monotonic()
        for index, piece in enumerate([*before, *[None] * int(events), *after]):
            await asyncio.sleep(max(0.0, began + index * delay - time.monotonic()))
            self._transport.write(chunk(piece or stamp()))
        self._transport.write(b"0\r\n\r\n")


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
