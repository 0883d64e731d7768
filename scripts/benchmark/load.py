"""The load generator: a job as JSON on stdin, its measurements as JSON on stdout; a process of its own.

Times are seconds. Nothing here knows what it measures: a way is a name and a port.
"""

import asyncio
import json
import re
import socket
import sys
import time
from typing import Any

STAMP = re.compile(rb"t=(\d+)")
LAST_CHUNK = b"0\r\n\r\n"

Ports = dict[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def conversation(size: int, *, stream: bool) -> bytes:
    """A well-formed Messages request of about `size` bytes: a tool round of 2 KB, again and again."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "hello"}]
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
    lines = [
        "POST /v1/messages?beta=true HTTP/1.1", "Host: api.test", "Content-Type: application/json",
        "x-api-key: sk-ant-fake-000", "anthropic-version: 2023-06-01", "Accept-Encoding: identity",
        "X-Claude-Code-Session-Id: a1985f7f-b6e1-4285-8502-ee57406387ac", f"x-scenario: {scenario}",
        f"Content-Length: {len(body)}",
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def in_turns(ports: Ports, number: int) -> list[str]:
    """The ways in an order that rotates, so that none is always first."""
    names = list(ports)
    return names[number % len(names) :] + names[: number % len(names)]


# -- one connection, blocking: latency of calls and delay of events


def exchange(connection: socket.socket, sent: bytes) -> tuple[float, float]:
    """Send a request and read the whole answer: seconds to its first byte and to its last."""
    began = time.perf_counter()
    connection.sendall(sent)
    data = bytearray(receive(connection))
    first = time.perf_counter()
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += receive(connection)
    head = bytes(data[:end]).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"answered {bytes(data[:200])!r}")
    if length := re.search(rb"content-length: (\d+)", head):
        while len(data) < end + 4 + int(length[1]):
            data += receive(connection)
    else:
        while not data.endswith(LAST_CHUNK):
            data += receive(connection)
    return first - began, time.perf_counter() - began


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 18)
    if not data:
        raise ConnectionError("the connection ended")
    return data


def latency(ports: Ports, scenario: str, size: int, rounds: int, calls: int) -> dict[str, dict[str, list[list[float]]]]:
    """Seconds to the first and to the last byte of each call on a kept connection, by mark, way and round."""
    sent = request(scenario, conversation(size, stream=scenario.endswith(".sse")))
    connections = {name: socket.create_connection(("127.0.0.1", port), 30) for name, port in ports.items()}
    first: dict[str, list[list[float]]] = {name: [[] for _ in range(rounds)] for name in ports}
    last: dict[str, list[list[float]]] = {name: [[] for _ in range(rounds)] for name in ports}
    for connection in connections.values():
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(10):
            exchange(connection, sent)
    for number in range(rounds):
        for turn in range(calls):
            for name in in_turns(ports, turn):
                begin, end = exchange(connections[name], sent)
                first[name][number].append(begin)
                last[name][number].append(end)
    return {"first": first, "last": last}


def events(ports: Ports, count: int, delay: float, rounds: int) -> dict[str, list[list[float]]]:
    """Seconds from an event's sending to its arrival, by way and round."""
    sent = request(f"stamped?events={count}&delay={delay}", conversation(1000, stream=True))
    taken: dict[str, list[list[float]]] = {name: [[] for _ in range(rounds)] for name in ports}
    for number in range(rounds):
        for name in in_turns(ports, number):
            with socket.create_connection(("127.0.0.1", ports[name]), 30) as connection:
                connection.sendall(sent)
                while True:
                    data = receive(connection)
                    now = time.monotonic_ns()
                    taken[name][number] += [(now - int(stamp)) / 1e9 for stamp in STAMP.findall(data)]
                    if data.endswith(LAST_CHUNK):
                        break
    return taken


# -- many connections: throughput and parallel streams


async def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> None:
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"answered {head[:200]!r}")
    if length := re.search(rb"content-length: (\d+)", head):
        await reader.readexactly(int(length[1]))
    else:
        await reader.readuntil(b"\r\n" + LAST_CHUNK)


async def connect(port: int, number: int) -> list[Streams]:
    """Open connections one after the other: a burst would overrun the listen backlog and wait for a retry."""
    return [await asyncio.open_connection("127.0.0.1", port, limit=1 << 20) for _ in range(number)]


async def until(deadline: float, streams: Streams, sent: bytes) -> int:
    done = 0
    while time.perf_counter() < deadline:
        await call(*streams, sent)
        done += 1
    return done


async def throughput(
    ports: Ports, scenario: str, size: int, connections: int, seconds: float, rounds: int
) -> dict[str, list[float]]:
    """Calls per second over `connections` kept connections, by way and round."""
    sent = request(scenario, conversation(size, stream=scenario.endswith(".sse")))
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for number in range(rounds):
        for name in in_turns(ports, number):
            opened = await connect(ports[name], connections)
            began = time.perf_counter()
            done = await asyncio.gather(*(until(began + seconds, streams, sent) for streams in opened))
            rates[name].append(sum(done) / (time.perf_counter() - began))
            for _, writer in opened:
                writer.close()
    return rates


async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> tuple[float, float]:
    """Follow one stamped stream: the worst delay of an event, and when it ended."""
    writer.write(sent)
    worst, data = 0.0, b""
    while not data.endswith(LAST_CHUNK):
        data = await reader.read(1 << 16)
        if not data:
            raise ConnectionError("the connection ended")
        now = time.monotonic_ns()
        worst = max([worst, *((now - int(stamp)) / 1e9 for stamp in STAMP.findall(data))])
    return worst, time.perf_counter()


async def parallel(
    ports: Ports, streams: int, count: int, delay: float, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Seconds until all streams were done and the worst delay of an event, by way and round."""
    sent = request(f"stamped?events={count}&delay={delay}", conversation(1000, stream=True))
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ports}
    for number in range(rounds):
        for name in in_turns(ports, number):
            opened = await connect(ports[name], streams)
            began = time.perf_counter()
            ends = await asyncio.gather(*(follow(*both, sent) for both in opened))
            taken[name].append((max(end for _, end in ends) - began, max(worst for worst, _ in ends)))
            for _, writer in opened:
                writer.close()
    return taken


async def fill(port: int, scenario: str, size: int, connections: int, calls: int) -> float:
    """Make `calls` calls in all and return the seconds that it took."""
    sent = request(scenario, conversation(size, stream=scenario.endswith(".sse")))
    left = iter(range(calls))

    async def work(streams: Streams) -> None:
        for _ in left:
            await call(*streams, sent)

    opened = await connect(port, connections)
    began = time.perf_counter()
    await asyncio.gather(*(work(streams) for streams in opened))
    return time.perf_counter() - began


JOBS: dict[str, Any] = {
    "latency": latency, "events": events, "throughput": throughput, "parallel": parallel, "fill": fill,
}  # fmt: skip

if __name__ == "__main__":
    given = json.load(sys.stdin)
    result = JOBS[given.pop("job")](**given)
    json.dump(asyncio.run(result) if asyncio.iscoroutine(result) else result, sys.stdout)
