"""The command line of `scripts/bench`: which rows, measured once each, printed as a table."""

import argparse
import json
import re
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .bench import Bench, Measured, NotMeasuredError, upstream
from .peers import PEERS
from .process import VoidError
from .report import Result, as_json, machine, markdown
from .rows import PEER_ROWS, ROWS, Measure, Row


def measured(bench: Bench, rows: Sequence[Row]) -> list[Result]:
    """The results of the rows; a measure that several of them share is taken once."""
    taken: dict[Measure, Measured | None] = {}
    for row in rows:
        if row.measure in taken:
            continue
        began = time.perf_counter()
        try:
            taken[row.measure] = row.measure(bench)
        except NotMeasuredError as reason:
            print(f"not measured: {row.name}: {reason}", file=sys.stderr)
            taken[row.measure] = None
        print(f"{time.perf_counter() - began:4.0f} s  {row.name}", file=sys.stderr, flush=True)
    return [Result.of(row, taken[row.measure]) for row in rows]


def parser(description: str | None) -> argparse.ArgumentParser:
    listing = "\n".join(f"  {row.name}" for row in (*ROWS, *PEER_ROWS))
    made = argparse.ArgumentParser(
        description=description, epilog=f"rows:\n{listing}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="fewer rounds, under two minutes: a look, not a result")
    made.add_argument("--only", action="append", metavar="PATTERN", help="only rows whose name it matches; repeatable")
    made.add_argument("--peers", action="store_true", help="also other tools, installed from PyPI for this run alone")
    made.add_argument("--image", default="mitmclaude:latest", metavar="NAME", help="the image that is started")
    made.add_argument("--json", type=Path, metavar="FILE", help="also write every round's values here")
    return made


def chosen(patterns: Sequence[str] | None, *, peers: bool) -> list[Row]:
    """The rows that one of the patterns matches, whatever the case of its letters."""
    rows = [*ROWS, *(PEER_ROWS if peers else ())]
    return [row for row in rows if not patterns or any(re.search(each, row.name, re.IGNORECASE) for each in patterns)]


def main(description: str | None) -> int:
    made = parser(description)
    given = made.parse_args()
    rows = chosen(given.only, peers=given.peers)
    if not rows:
        made.error(f"no row matches {' or '.join(given.only)}; --help lists them")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends
    with tempfile.TemporaryDirectory(prefix="mitmclaude-bench-", ignore_cleanup_errors=True) as name, upstream() as url:
        folder = Path(name)
        facts = machine(folder, quick=given.quick)
        try:
            needed = PEERS if any(row in PEER_ROWS for row in rows) else ()
            peers = [peer.install(folder / "peers") for peer in needed]
            results = measured(Bench(url, folder, given.quick, given.image, peers), rows)
        except VoidError as reason:
            print(f"bench: void: {reason}", file=sys.stderr)
            return 1
    print(markdown(results, facts))
    if given.json:
        given.json.write_text(json.dumps(as_json(results, facts), indent=1))
    return 0
