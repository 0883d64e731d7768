"""Measures of time: latency of a call, calls per second, delay of a stream's events."""

from collections.abc import Callable, Iterable

from .bench import Bench, Measured, Values
from .upstream import UNSTAMPED
from .ways import BARE, DIRECT, OURS

BEST = "best peer"


def latency(bench: Bench, *, body: int, scenario: str, peers: bool = False) -> Measured:
    """Milliseconds to the first byte and to the end of an answer, as they are and as added to direct."""
    with bench.proxies(BARE, OURS, *(bench.peers if peers else ())) as proxies:
        taken = bench.load(
            "latency", proxies, scenario=scenario, body=body, rounds=bench.rounds(12), calls=30 if bench.quick else 60
        )
    marks = {mark: _scaled(values, 1e3) for mark, values in taken.items()}
    measured = {f"{mark}, added": _added(values) for mark, values in marks.items()}
    return measured | {mark: _with_best(bench, values, min) for mark, values in marks.items()}


def throughput(bench: Bench, *, body: int, connections: int, peers: bool = False) -> Measured:
    """Calls per second of back-to-back calls with SSE answers."""
    with bench.proxies(BARE, OURS, *(bench.peers if peers else ())) as proxies:
        rates = bench.load(
            "throughput", proxies, scenario="text.sse", body=body, connections=connections,
            seconds=1 if bench.quick else 2, rounds=bench.rounds(6),
        )  # fmt: skip
    return {"calls": _with_best(bench, rates, max)}


def paced(bench: Bench, *, streams: int, events: int, delay: float, rounds: int) -> Measured:
    """Streams at a steady pace: time to the last end by what it should be; how many milliseconds late events come."""
    events = events // 2 if bench.quick else events
    with bench.proxies(BARE, OURS) as proxies:
        taken = bench.load("paced", proxies, streams=streams, events=events, delay=delay, rounds=bench.rounds(rounds))
    ideal = (events + UNSTAMPED - 1) * delay

    def part(name: str, scale: float) -> Values:
        return {way: [each[name] * scale for each in rounds] for way, rounds in taken.items()}

    return {
        "end": part("end", 1 / ideal),
        "worst": part("worst", 1e3),
        "in a thousand": part("in a thousand", 1e3),
        "median, added": _added(part("median", 1e3)),
    }


def _scaled(values: Values, scale: float) -> Values:
    return {way: [value * scale for value in rounds] for way, rounds in values.items()}


def _added(values: Values) -> Values:
    """The direct way's own values, and what each other way adds to them, round by round."""
    direct = values[DIRECT]
    return {
        way: rounds if way == DIRECT else [value - own for value, own in zip(rounds, direct, strict=True)]
        for way, rounds in values.items()
    }


def _with_best(bench: Bench, values: Values, best: Callable[[Iterable[float]], float]) -> Values:
    """The values, and in each round the best of the peers where there are any."""
    of_peers = [values[peer.name] for peer in bench.peers if peer.name in values]
    return values | ({BEST: [best(each) for each in zip(*of_peers, strict=True)]} if of_peers else {})
