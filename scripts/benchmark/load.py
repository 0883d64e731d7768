"""The load generator: a job as JSON on stdin, what it measured and how many calls it made as JSON on stdout.

A process of its own on raw sockets. Times are seconds. It does not know what it measures: a way is a name and a port.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from .wire import Answer, connect, conversation, exchange, receive, request

STAMP = re.compile(rb't=(\d+)"')
PACE = 0.003  # seconds between two connections
SILENCE = 60  # seconds without a byte, after which a run is given up

Ports = dict[str, int]
Rounds = dict[str, list[Any]]  # what was measured, by way, one value a round
Job = Callable[..., tuple[Any, dict[str, int]]]


def in_turns(names: Sequence[str], number: int) -> list[str]:
    """The names in an order that rotates with the number, so that none is always first."""
    turn = number % len(names)
    return [*names[turn:], *names[:turn]]


def call_of(scenario: str, body: int | str) -> bytes:
    """The request: `body` is its size, or the file that holds it."""
    if isinstance(body, str):
        return request(scenario, Path(body).read_bytes())
    return request(scenario, conversation(body, stream=not scenario.endswith(".json")))


# -- one connection, blocking


def latency(ports: Ports, scenario: str, body: int | str, rounds: int, calls: int) -> tuple[Any, dict[str, int]]:
    """Median seconds to the first and to the last byte, by mark, way and round; the ways take turns call by call."""
    sent, warm = call_of(scenario, body), 20
    connections = {name: connect(port) for name, port in ports.items()}
    first: Rounds = {name: [] for name in ports}
    last: Rounds = {name: [] for name in ports}
    for connection in connections.values():
        for _ in range(warm):
            exchange(connection, sent)
    for _ in range(rounds):
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ports}
        for turn in range(calls):
            for name in in_turns(list(ports), turn):
                taken[name].append(exchange(connections[name], sent))
        for name, pairs in taken.items():
            first[name].append(median(begin for begin, _ in pairs))
            last[name].append(median(end for _, end in pairs))
    return {"first": first, "last": last}, dict.fromkeys(ports, warm + rounds * calls)


# -- many connections, one selector


class Line:
    """A kept connection with one call at a time on it."""

    def __init__(self, port: int, sent: bytes) -> None:
        self.socket = connect(port)
        self.socket.setblocking(False)
        self._sent = sent
        self._answer = Answer()

    def send(self) -> None:
        self._answer = Answer()
        gone = self.socket.send(self._sent)
        if gone < len(self._sent):  # larger than the socket's buffer
            self.socket.settimeout(SILENCE)
            self.socket.sendall(self._sent[gone:])
            self.socket.setblocking(False)

    def receive(self) -> tuple[bytes, bool]:
        """What came, and whether the answer is whole."""
        data = receive(self.socket)
        return data, self._answer.feed(data)


def drive(lines: Sequence[Line], more: Callable[[], bool], seen: Callable[[bytes], None] | None = None) -> int:
    """Keep a call under way on each connection until `more` is false, read the last ones; how many were answered."""
    done, under_way = 0, 0
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            if more():
                line.send()
                under_way += 1
        while under_way:
            if not (ready := selector.select(SILENCE)):
                raise TimeoutError(f"{under_way} calls without a byte for {SILENCE} s")
            for key, _ in ready:
                data, whole = key.data.receive()
                if seen:
                    seen(data)
                if whole:
                    done += 1
                    if more():
                        key.data.send()
                    else:
                        under_way -= 1
    return done


def opened(port: int, number: int, sent: bytes) -> list[Line]:
    """Connections opened at a pace that a proxy keeps up with: a burst overruns the backlog and waits for a retry."""
    lines = []
    for _ in range(number):
        lines.append(Line(port, sent))
        time.sleep(PACE)
    return lines


def close(lines: Sequence[Line]) -> None:
    for line in lines:
        line.socket.shutdown(socket.SHUT_RDWR)
        line.socket.close()


def for_seconds(lines: Sequence[Line], seconds: float) -> tuple[int, float]:
    """Calls answered and the seconds they took, the last answers included."""
    began = time.perf_counter()
    done = drive(lines, lambda: time.perf_counter() - began < seconds)
    return done, time.perf_counter() - began


def throughput(
    ports: Ports, scenario: str, body: int | str, connections: int, seconds: float, rounds: int
) -> tuple[Rounds, dict[str, int]]:
    """Calls per second, by way and round."""
    sent = call_of(scenario, body)
    rates: Rounds = {name: [] for name in ports}
    calls = dict.fromkeys(ports, 0)
    for number in range(-1, rounds):  # the first is the warm-up
        for name in in_turns(list(ports), number):
            lines = opened(ports[name], connections, sent)
            done, took = for_seconds(lines, seconds if number >= 0 else seconds / 4)
            close(lines)
            calls[name] += done
            if number >= 0:
                rates[name].append(done / took)
    return rates, calls


def paced(ports: Ports, streams: int, events: int, delay: float, rounds: int) -> tuple[Rounds, dict[str, int]]:
    """Streams of stamped events at a steady pace: seconds to the last end, and by which events came late."""
    sent = request(f"stamped?events={events}&delay={delay}", conversation(1000, stream=True))
    taken: Rounds = {name: [] for name in ports}
    for number in range(rounds):
        for name in in_turns(list(ports), number):
            taken[name].append(_follow(opened(ports[name], streams, sent)))
    return taken, dict.fromkeys(ports, streams * rounds)


def _follow(lines: Sequence[Line]) -> dict[str, float]:
    late: list[float] = []

    def seen(data: bytes) -> None:
        now = time.monotonic_ns()
        late.extend((now - int(stamp)) / 1e9 for stamp in STAMP.findall(data))

    left = iter(lines)
    began = time.perf_counter()
    drive(lines, lambda: next(left, None) is not None, seen)
    end = time.perf_counter() - began
    close(lines)
    late.sort()
    return {"end": end, "median": median(late), "in a thousand": late[-1 - len(late) // 1000], "worst": late[-1]}


def fill(port: int, scenario: str, body: int | str, connections: int, calls: int) -> tuple[float, dict[str, int]]:
    """Seconds that `calls` calls in all take."""
    lines = opened(port, connections, call_of(scenario, body))
    left = iter(range(calls))
    began = time.perf_counter()
    done = drive(lines, lambda: next(left, None) is not None)
    took = time.perf_counter() - began
    close(lines)
    return took, {"": done}


JOBS: dict[str, Job] = {"latency": latency, "throughput": throughput, "paced": paced, "fill": fill}

if __name__ == "__main__":
    given = json.load(sys.stdin)
    values, made = JOBS[given.pop("job")](**given)
    json.dump({"values": values, "calls": made}, sys.stdout)
