"""What was measured, row by row, to Markdown or JSON."""

import datetime as dt
import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from .bench import Measured, Values
from .rows import PEER_ROWS, Row
from .speed import BEST
from .ways import BARE, DIRECT, OURS

SHOWN = {DIRECT: "direct", BARE.name: "bare mitmdump", OURS.name: "mitmclaude"}
FORMS = {"ratio": "{:.2f}", "difference": "{:+.2f}", "ours": "{:.2f}"}
PREFIXES = {"ours": "ours alone "}


@dataclass(frozen=True)
class Result:
    """A row and its values; none where it could not be measured."""

    row: Row
    values: Values | None

    @classmethod
    def of(cls, row: Row, measured: Measured | None) -> "Result":
        return cls(row, measured[row.part] if measured else None)

    @property
    def figures(self) -> list[float]:
        return self.row.figures(self.values) if self.values else []

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is no aim or no value."""
        return self.row.aim.met(self.figures) if self.row.aim and self.figures else None


def shown(values: Sequence[float]) -> str:
    """The median, with three digits."""
    if not values:
        return ""
    middle = median(values)
    return f"{middle:,.0f}" if abs(middle) >= 100 else f"{middle:.3g}"


def _compared(figures: Sequence[float], of: str) -> str:
    """The median, and between what the rounds lie."""
    if not figures:
        return "not measured"
    form = FORMS[of]
    low, high = (form.format(each(figures)) for each in (min, max))
    return f"{PREFIXES.get(of, '')}**{form.format(median(figures))}** ({low} to {high})"


def markdown(results: Sequence[Result], facts: Mapping[str, str]) -> str:
    """The table of all rows, that of the peers where they were measured, and what it was measured on."""
    lines = [
        "| measure | direct | bare mitmdump | mitmclaude | ours to bare (min to max) | aim | met |",
        "|---|---:|---:|---:|---:|---:|---|",
        *(f"| {' | '.join(_cells(result))} |" for result in results),
    ]
    of_peers = [result for result in results if result.row in PEER_ROWS and result.values]
    return "\n".join([*lines, *(_peers(of_peers) if of_peers else []), "", *_measured_on(facts)])


def _cells(result: Result) -> list[str]:
    row, values = result.row, result.values or {}
    middles = [shown(values.get(way, [])) for way in (DIRECT, row.reference, row.ours)]
    of = row.aim.of if row.aim else "ratio"
    met = {None: "", True: "yes", False: "**no**"}[result.met]
    aim = str(row.aim) if row.aim else ""
    return [f"{row.name} [{row.unit}]", *middles, _compared(result.figures, of), aim, met]


def _peers(results: Sequence[Result]) -> list[str]:
    """A row for each way through; the columns are the peers' measures."""
    names = [f"{result.row.name.partition(' (')[0]} [{result.row.unit}]" for result in results]
    ways = [way for way in (results[0].values or {}) if way != BEST]
    lines = ["", f"| tool | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for way in ways:
        middles = [shown((result.values or {}).get(way, [])) for result in results]
        lines.append(f"| {SHOWN.get(way, way)} | {' | '.join(middles)} |")
    return lines


def _measured_on(facts: Mapping[str, str]) -> list[str]:
    versions = f"Python {facts['python']}, mitmproxy {facts['mitmproxy']}, mitmclaude {facts['mitmclaude']}"
    where = f"{facts['cpu']}, {facts['system']}, stored on {facts['storage']}, {versions}"
    quick = ["With --quick: a look and not a result; memory is read after 1,000 calls.", ""]
    return [
        *(quick if facts["run"] == "quick" else []),
        f"Measured {facts['date']} on {where}; all on loopback, where client,",
        "proxy and upstream share the cores. Columns are medians over interleaved rounds; ratios and differences",
        'are taken round by round. "Added" is what a way takes more than direct in the same round. Memory that',
        "processes share counts once. Each call had its one record: they were counted after each measure.",
    ]


def machine(folder: Path, *, quick: bool) -> dict[str, str]:
    """What the numbers depend on; nothing that names the machine."""
    cpu = "unknown CPU"
    if (listing := Path("/proc/cpuinfo")).exists():
        models = [line.partition(":")[2].strip() for line in listing.read_text().splitlines() if "model name" in line]
        cpu = models[0] if models else cpu
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    version = importlib.metadata.version
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        "cpu": f"{os.cpu_count()} cores ({cpu})",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "storage": max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "an unknown file system",
        "python": platform.python_version(),
        "mitmproxy": version("mitmproxy"),
        "mitmclaude": version("mitmclaude"),
        "run": "quick" if quick else "whole",
    }


def as_json(results: Sequence[Result], facts: Mapping[str, str]) -> dict[str, Any]:
    """Every round's values by way, and what came of them."""
    return {"machine": dict(facts), "rows": [_row_as_json(result) for result in results]}


def _row_as_json(result: Result) -> dict[str, Any]:
    row, figures = result.row, result.figures
    return {
        "name": row.name, "unit": row.unit, "ours": row.ours, "reference": row.reference,
        "aim": str(row.aim) if row.aim else None, "of": row.aim.of if row.aim else "ratio",
        "median": median(figures) if figures else None, "met": result.met, "figures": figures, "values": result.values,
    }  # fmt: skip
