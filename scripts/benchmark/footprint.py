"""Measures of what a proxy uses: resident memory after many calls, processor time of a call."""

from .bench import Bench, Measured
from .load import in_turns
from .process import Running
from .ways import BARE, OURS, ROOT

BODY = ROOT / "tests" / "fixtures" / "requests" / "cc_loop_260kb.json"
WARM = 20


def calls_of(bench: Bench) -> int:
    """How many calls are made before memory is read."""
    return 1_000 if bench.quick else 10_000


def memory(bench: Bench) -> Measured:
    """Megabytes of the whole tree of processes, one way after the other; `growth` is the end by half-way."""
    half = calls_of(bench) // 2
    resident: dict[str, list[float]] = {}
    growth: dict[str, list[float]] = {}
    for way in (BARE, OURS):
        with bench.running(way) as proxy:
            read = []
            for _ in range(2):
                bench.fill(proxy, scenario="text.sse", body=10_000, connections=8, calls=half)
                read.append(proxy.memory())
        resident[way.name] = [read[1]]
        growth[way.name] = [read[1] / read[0]]
    return {"resident": resident, "growth": growth}


def cpu(bench: Bench) -> Measured:
    """Milliseconds of user and system time, all processes, that one of many calls in sequence takes."""
    calls = 40 if bench.quick else 100
    taken: dict[str, list[float]] = {BARE.name: [], OURS.name: []}
    with bench.proxies(BARE, OURS) as proxies:
        for proxy in proxies.values():
            _some(bench, proxy, WARM)
        for number in range(bench.rounds(8)):
            for name in in_turns(list(proxies), number):
                before = proxies[name].cpu()
                _some(bench, proxies[name], calls)
                taken[name].append((proxies[name].cpu() - before) / calls * 1e3)
    return {"cpu": taken}


def _some(bench: Bench, proxy: Running, calls: int) -> None:
    """Calls in sequence, and all of their records written."""
    bench.fill(proxy, scenario="text.sse", body=str(BODY), connections=1, calls=calls)
    proxy.check()
