"""The check of a request beside `json.loads` of the same bytes, timed in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from .bench import Bench, Measured
from .ways import OURS, ROOT

REQUESTS = ROOT / "tests" / "fixtures" / "requests"
LOADS = "json.loads"


def validation(bench: Bench, *, size: int) -> Measured:
    """Milliseconds for one body of about `size` bytes."""
    command = [sys.executable, "-m", f"{__package__}.validation", str(size), str(bench.rounds(20))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "addons")}
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return {"check": {name: [value * 1e3 for value in rounds] for name, rounds in json.loads(ended.stdout).items()}}


def per_call(work: Callable[[], object], seconds: float) -> float:
    """Seconds that one call takes, over calls that take about `seconds` together."""
    work()
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work()
        calls += 1
    return (time.perf_counter() - began) / calls


def body_of(size: int) -> bytes:
    """A captured request; for a larger one, the captured tool rounds again and again."""
    if size <= 50_000:
        return (REQUESTS / "cc_print_simple.json").read_bytes()
    body = json.loads((REQUESTS / "cc_loop_260kb.json").read_bytes())
    rounds = body["messages"]
    while len(compact(body)) < size:
        body["messages"] = [*body["messages"], *rounds[: max(2, len(rounds) // 8)]]
    return compact(body)


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def main(size: int, rounds: int) -> None:
    from mitmclaude.request import check

    body = body_of(size)
    works: dict[str, Callable[[], object]] = {
        LOADS: lambda: json.loads(body),
        OURS.name: lambda: check.check("messages", check.parse(body)),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(per_call(work, 0.1))
    json.dump(taken, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
