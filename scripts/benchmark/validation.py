"""Time the check of a request against `json.loads` of the same bytes; run as a process of its own."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

REQUESTS = Path(__file__).parents[2] / "tests" / "fixtures" / "requests"


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
        "json.loads": lambda: json.loads(body),
        "ours": lambda: check.check("messages", check.parse(body)),
    }
    taken = {name: [per_call(work, 0.1) for _ in range(rounds)] for name, work in works.items()}
    json.dump({"bytes": len(body), **taken}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
