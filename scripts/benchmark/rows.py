"""The table: each row is a name, what is compared with what, the aim, and the measure that it is taken from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Literal

from . import cold as image
from .asking import asking
from .bench import Bench, Measured, Values
from .footprint import cpu, memory
from .speed import BEST, latency, paced, throughput
from .start import cold, start
from .validation import validation
from .ways import BARE, LEFT, OURS, RUN

Measure = Callable[[Bench], Measured]


@dataclass(frozen=True)
class Aim:
    """A bound of the median of `of`: ours by its reference, ours less its reference, or ours as it is."""

    bound: float
    of: Literal["ratio", "difference", "ours"] = "ratio"
    least: bool = False

    def met(self, figures: list[float]) -> bool:
        """Whether the median, rounded as it is printed, keeps the bound."""
        middle = round(median(figures), 2)
        return middle >= self.bound if self.least else middle <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.bound:.2f}"


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    measure: Measure
    part: str  # of what the measure returns
    aim: Aim | None
    ours: str = OURS.name
    reference: str = BARE.name

    def figures(self, values: Values) -> list[float]:
        """What the aim bounds, round by round: the rounds' own noise is in both."""
        ours = values[self.ours]
        of = self.aim.of if self.aim else "ratio"
        if of == "ours":
            return ours
        both = zip(ours, values[self.reference], strict=True)
        return [one - other if of == "difference" else one / other for one, other in both]


def at_most(bound: float) -> Aim:
    return Aim(bound)


def at_least(bound: float) -> Aim:
    return Aim(bound, least=True)


small_sse = partial(latency, body=1_000, scenario="text.sse")
small_json = partial(latency, body=1_000, scenario="message.json")
large_sse = partial(latency, body=200_000, scenario="text.sse")
one_stream = partial(paced, streams=1, events=200, delay=0.005, rounds=6)
streams = partial(paced, streams=256, events=40, delay=0.1, rounds=5)
small_validation = partial(validation, size=50_000)
large_validation = partial(validation, size=600_000)
peers_rate = partial(throughput, body=20_000, connections=16, peers=True)
peers_json = partial(latency, body=1_000, scenario="message.json", peers=True)
peers_sse = partial(latency, body=200_000, scenario="text.sse", peers=True)

STREAMS = "256 streams of 10 events/s"
MEMORY = "resident memory after 10,000 calls of 10 KB, all processes"
LIBRARY = "100,000 records of 10 KB"
LOADS = "`json.loads` in the place of bare"

ROWS = (
    Row("first byte, 1 KB request, added to direct", "ms", small_sse, "first, added", at_most(1.0)),
    Row("first byte, 200 KB request, added to direct", "ms", large_sse, "first, added", at_most(1.0)),
    Row("end of the answer, 1 KB request, JSON, added to direct", "ms", small_json, "last, added", at_most(1.2)),
    Row("end of the answer, 200 KB request, SSE, added to direct", "ms", large_sse, "last, added", at_most(1.2)),
    Row("delay of an SSE event, added to direct", "ms", one_stream, "median, added", at_most(1.1)),
    Row("32 connections, 1 KB request", "calls/s", partial(throughput, body=1_000, connections=32), "calls",
        at_least(1.15)),
    Row("32 connections, 50 KB request", "calls/s", partial(throughput, body=50_000, connections=32), "calls",
        at_least(1.15)),
    Row(f"{STREAMS}, time to the end", "of ideal", streams, "end", at_most(1.05)),
    Row(f"{STREAMS}, worst event", "ms late", streams, "worst", at_most(1.1)),
    Row(f"{STREAMS}, worst event in a thousand", "ms late", streams, "in a thousand", None),
    Row(MEMORY, "MB", memory, "resident", at_most(2.0)),
    Row(f"{MEMORY}, by that after half of them", "ratio", memory, "growth", Aim(1.05, of="ours")),
    Row("start to the first answer, mode given", "s", start, "first answer", at_most(1.15)),
    Row("start to the first answer, mode left to the addon", "s", start, "first answer", at_most(2.0), LEFT.name),
    Row("start to the first answer, `scripts/run`", "s", start, "first answer", at_most(1.2), RUN.name),
    Row("image, run to the first answer, memory store", "s", cold, "first answer", at_most(1.15), image.MEMORY,
        image.BARE),
    Row("image, run to the first answer, S3 and DynamoDB", "s", cold, "first answer", at_most(1.3), image.AWS,
        image.BARE),
    Row("CPU of a call on all cores, 260 KB request, added to bare", "ms", cpu, "cpu", Aim(2.5, of="difference")),
    Row(f"check of a 50 KB request ({LOADS})", "ms", small_validation, "check", Aim(0.5, of="ours"),
        reference="json.loads"),
    Row(f"check of a 600 KB request ({LOADS})", "ms", large_validation, "check", Aim(3.0, of="ours"),
        reference="json.loads"),
    Row(f"{LIBRARY}, first fill of the cache", "records/s", asking, "fill", Aim(8_000, of="ours", least=True)),
    Row(f"{LIBRARY}, memory of that, all processes", "MB", asking, "memory", Aim(600, of="ours")),
    Row(f"{LIBRARY}, `sessions`", "s", asking, "sessions", Aim(0.7, of="ours")),
    Row(f"{LIBRARY}, `report`", "s", asking, "report", Aim(0.7, of="ours")),
    Row(f"{LIBRARY}, `search`, nothing found", "s", asking, "search", Aim(0.7, of="ours")),
    Row(f"{LIBRARY}, `show`", "s", asking, "show", Aim(0.4, of="ours")),
    Row(f"{LIBRARY}, a look at the store with nothing new", "s", asking, "unchanged", Aim(0.15, of="ours")),
)  # fmt: skip

AHEAD = "the best peer in the place of bare"
PEER_ROWS = (
    Row(f"16 connections, 20 KB request ({AHEAD})", "calls/s", peers_rate, "calls", at_least(1.0), reference=BEST),
    Row(f"end of a call, 1 KB request, JSON ({AHEAD})", "ms", peers_json, "last", None, reference=BEST),
    Row(f"end of a call, 200 KB request, SSE ({AHEAD})", "ms", peers_sse, "last", None, reference=BEST),
)
