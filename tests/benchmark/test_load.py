"""The load generator against the benchmark's own upstream, in its process."""

from collections.abc import Iterator

import pytest
from scripts.benchmark import bench, load


@pytest.fixture(scope="module")
def direct() -> Iterator[dict[str, int]]:
    with bench.upstream() as url:
        yield {"direct": int(url.rpartition(":")[2])}


@pytest.mark.parametrize("scenario", ["message.json", "text.sse"])
def test_latency(direct: dict[str, int], scenario: str) -> None:
    """One pair of medians a round; warm-up calls are counted too."""
    taken, calls = load.latency(direct, scenario, 200_000, rounds=3, calls=2)
    assert [len(taken[mark]["direct"]) for mark in ("first", "last")] == [3, 3]
    assert all(first <= last for first, last in zip(*(taken[m]["direct"] for m in ("first", "last")), strict=True))
    assert calls == {"direct": 26}


def test_throughput(direct: dict[str, int]) -> None:
    """A rate a round; calls are counted to the last that was answered."""
    rates, calls = load.throughput(direct, "text.sse", 50_000, connections=8, seconds=0.1, rounds=2)
    assert len(rates["direct"]) == 2 and min(rates["direct"]) > 0
    assert calls["direct"] > 16


def test_paced(direct: dict[str, int]) -> None:
    """Streams take as long as their events need, and every event's delay is seen."""
    taken, calls = load.paced(direct, streams=4, events=10, delay=0.01, rounds=2)
    assert all(0.15 <= each["end"] < 5 and 0 < each["median"] <= each["worst"] for each in taken["direct"])
    assert calls == {"direct": 8}


def test_fill(direct: dict[str, int]) -> None:
    """Exactly as many calls as asked for, over connections fewer or more than calls."""
    assert load.fill(direct["direct"], "message.json", 1_000, connections=3, calls=10)[1] == {"": 10}
    assert load.fill(direct["direct"], "message.json", 1_000, connections=3, calls=2)[1] == {"": 2}
