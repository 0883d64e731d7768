"""`scripts/bench` as one types it."""

import json
import subprocess
from pathlib import Path

import pytest
from scripts.benchmark.rows import PEER_ROWS, ROWS
from scripts.benchmark.run import chosen
from scripts.benchmark.ways import ROOT


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ROOT / "scripts" / "bench", *arguments], capture_output=True, text=True, timeout=120)


def test_chosen() -> None:
    """A pattern is looked for in names, whatever the case; peers come when asked for."""
    assert chosen(None, peers=False) == list(ROWS)
    assert chosen(None, peers=True) == [*ROWS, *PEER_ROWS]
    assert [row.part for row in chosen(["^IMAGE", "worst event$"], peers=False)] == ["worst", *["first answer"] * 2]


def test_no_such_row() -> None:
    """A pattern that no row matches is an error that says where the names are."""
    ended = bench("--only", "nothing of the kind")
    assert ended.returncode == 2 and "no row matches nothing of the kind; --help lists them" in ended.stderr
    listed = bench("--help").stdout
    assert all(row.name in listed for row in ROWS)


@pytest.mark.e2e
def test_one_row(tmp_path: Path) -> None:
    """One row is measured with real proxies, printed with its aim and written as JSON."""
    ended = bench("--quick", "--only", "first byte, 1 KB", "--json", str(tmp_path / "out.json"))
    assert ended.returncode == 0, ended.stderr
    assert "| first byte, 1 KB request, added to direct [ms] |" in ended.stdout and "| ≤ 1.00 |" in ended.stdout
    (row,) = json.loads((tmp_path / "out.json").read_bytes())["rows"]
    assert len(row["values"]["ours"]) == len(row["values"]["bare"]) == len(row["figures"]) > 1
