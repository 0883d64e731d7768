"""Measurements to rows, and rows to a Markdown table or JSON."""

import datetime as dt
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of the table; each sequence has one value a round, in the unit given."""

    name: str
    unit: str
    bare: Sequence[float]
    ours: Sequence[float]
    direct: Sequence[float] = ()

    @property
    def ratios(self) -> list[float]:
        """Ours to bare, round by round: the rounds' own noise is in both."""
        return [ours / bare for ours, bare in zip(self.ours, self.bare, strict=True) if bare > 0]


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1]


def shown(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle = median(values)
    return f"{middle:,.0f}" if abs(middle) >= 100 else f"{middle:.3g}"


def spread(values: Sequence[float]) -> str:
    return f"**{median(values):.2f}** ({min(values):.2f} to {max(values):.2f})" if values else ""


def machine() -> dict[str, str]:
    """What the numbers depend on; nothing that names the machine."""
    cpu = "unknown CPU"
    if (listing := Path("/proc/cpuinfo")).exists():
        models = [line.partition(":")[2].strip() for line in listing.read_text().splitlines() if "model name" in line]
        cpu = models[0] if models else cpu
    version = importlib.metadata.version
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        "cpu": f"{os.cpu_count()} cores, {cpu}",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "mitmproxy": version("mitmproxy"),
        "mitmclaude": version("mitmclaude"),
    }


def markdown(rows: Sequence[Row], facts: dict[str, str]) -> str:
    lines = [
        "| measure | direct | bare mitmdump | with mitmclaude | ours / bare (min to max) |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        cells = (f"{row.name} [{row.unit}]", shown(row.direct), shown(row.bare), shown(row.ours), spread(row.ratios))
        lines.append(f"| {' | '.join(cells)} |")
    versions = f"Python {facts['python']}, mitmproxy {facts['mitmproxy']}, mitmclaude {facts['mitmclaude']}"
    lines += ["", f"Measured {facts['date']} on {facts['cpu']}, {facts['system']}, {versions}; all on loopback, where"]
    lines += ["client, proxy and upstream share these cores. Medians over interleaved rounds, ratios round by round."]
    return "\n".join(lines)


def as_json(rows: Sequence[Row], facts: dict[str, str]) -> dict[str, Any]:
    return {"machine": facts, "rows": [{**asdict(row), "ratios": row.ratios} for row in rows]}
