"""`mitmclaude cache`: what the prompt cache gave, what it missed and why; `cache clear` is of the local cache."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mitmclaude.cli import asking
from mitmclaude.cli.asking import Column, console, library_of, print_json, print_table
from mitmclaude.cli.named import session_of, short
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, fail

if TYPE_CHECKING:
    from datetime import datetime

    from mitmclaude.library.explain import Explained, Totals
    from mitmclaude.library.library import Library
    from mitmclaude.library.selection import Selection
    from mitmclaude.record.record import Record

By = Literal["cause", "session", "agent", "model", "version"]
_FIELDS: dict[By, str] = {
    "cause": "cause", "session": "session_id", "agent": "agent_id", "model": "model", "version": "client_version",
}  # fmt: skip

COLUMNS = (
    Column("when"), Column("call"), Column("agent"), Column("read", "right"), Column("written", "right"),
    Column("uncached", "right"), Column("missed", "right"), Column("waste", "right"), Column("cause"),
    Column("why", wide=True),
)  # fmt: skip


WIDE = 130
"""Columns of a terminal that the whole table needs."""

MANY = 2000
"""Calls that take a moment."""

MOST = 40
"""Calls that are listed of all sessions."""

COMPARABLE = ("tools", "system", "settings", "messages", "model")
"""Causes that a diff shows."""


@asking.asking()
def cache(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="[SESSION]", help="The beginning of its id, or last; all without. clear empties the local cache."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show the calls without a miss as well.")] = False,
    count: Annotated[
        int | None, typer.Option("-n", "--count", min=1, help="List the costliest so many; 40, of one session all.")
    ] = None,
    by: Annotated[By, typer.Option(help="What to add the misses up by.")] = "cause",
    since: asking.SinceOption = None,
    until: asking.UntilOption = None,
    in_session: asking.SessionOption = None,
    principal: asking.PrincipalOption = None,
    model: asking.ModelOption = None,
    outcome: asking.OutcomeOption = None,
    as_json: asking.JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Tell which calls missed the prompt cache, why, and what that cost; nothing is told of turns as they should be.

    Examples: mitmclaude cache last; mitmclaude cache --since 2d --by version; mitmclaude cache 16a12cbc --all --json
    """
    library = library_of(store)
    if session == "clear":
        library.clear()
        typer.echo("The local cache of this store is empty; the store is as it was.")
        return
    selection = asking.selected(since, until, in_session, principal, model, outcome)
    told = list(_explained(library, selection, session))
    if not told:
        fail("no call of these has a usage")
    _print(told, by, everything, count or (len(told) if session else MOST), as_json)


def _explained(library: "Library", selection: "Selection", name: str | None) -> "Iterator[Explained]":
    """What became of the selected calls, told session by session from all calls of it, by time."""
    from mitmclaude.library.explain import explain

    rows = session_of(library, name).rows if name else library.rows()
    chosen = {row.id for row in rows if selection.matches(row)}
    sessions: dict[str | None, list[str]] = {}
    for row in rows:
        if row.endpoint == "messages":
            sessions.setdefault(row.session_id, []).append(row.id)
    ids = [one for session in sessions.values() if not chosen.isdisjoint(session) for one in session]
    for _, records in groupby(_watched(library.records(ids), len(ids)), key=lambda record: record.session_id):
        yield from (one for one in explain(records) if one.call in chosen)


def _watched(records: "Iterator[Record]", total: int) -> "Iterable[Record]":
    """The records, with progress where there are many and a person looks on."""
    if total < MANY or not sys.stderr.isatty():
        return records
    from rich.console import Console
    from rich.progress import track

    return track(records, "comparing calls", total=total, console=Console(stderr=True), transient=True)


def _print(told: "list[Explained]", by: By, everything: bool, count: int, as_json: bool) -> None:
    from mitmclaude.library.explain import totals

    sums = totals(told, _FIELDS[by])
    shown = sorted((one for one in told if everything or one.is_miss), key=lambda one: (one.at, one.call))
    if as_json:
        print_json("cache", {"calls": [_plain(one) for one in shown], "totals": _plain_totals(sums, by)})
        return
    if shown:
        listed = sorted(sorted(shown, key=_costliness, reverse=True)[:count], key=lambda one: (one.at, one.call))
        _print_calls(listed)
        if left := len(shown) - len(listed):
            typer.echo(f"…  {left:,} more, which cost less (-n {len(shown)} lists all)")
        _print_hints(listed)
    _print_totals(sums, by)


def _costliness(one: "Explained") -> "tuple[Decimal, int, datetime]":
    return one.waste_usd or Decimal(0), one.missed, one.at


def _plain(one: "Explained") -> dict[str, Any]:
    return {("uncached" if name == "fresh" else name): value for name, value in asdict(one).items()}


def _plain_totals(sums: "Totals", by: By) -> dict[str, Any]:
    misses = [
        {("name" if key == "cause" else key): value for key, value in asdict(one).items()} for one in sums.by_cause
    ]
    gaps = [{"gap": gap, "calls": calls, "hit_rate": round(part, 6)} for gap, calls, part in sums.by_gap]
    rate = None if sums.hit_rate is None else round(sums.hit_rate, 6)
    counts = {"calls": sums.calls, "prompt": sums.prompt, "read": sums.read, "hit_rate": rate, "missed": sums.missed}
    return counts | {
        "waste_usd": sums.waste_usd, "unpriced": sums.unpriced, "by": by, "misses": misses, "gaps": gaps,
    }  # fmt: skip


def _print_calls(calls: "list[Explained]") -> None:
    """As a table; on a narrow terminal with fewer columns, the reason in several lines."""
    rows = [_row(one) for one in calls]
    left_out: set[str] = set()
    if asking.is_terminal() and not any(one.agent_id for one in calls):
        left_out |= {"agent"}
    if asking.is_terminal() and console().width < WIDE:
        left_out |= {"written", "uncached", "cause"}
        rows = [(*row[:-1], _joined(*row[-2:])) for row in rows]
    kept = [index for index, column in enumerate(COLUMNS) if column.name not in left_out]
    columns, cells = [COLUMNS[index] for index in kept], [[row[index] for index in kept] for row in rows]
    if asking.is_terminal():
        _print_wrapped(columns, cells)
    else:
        print_table(columns, cells)


def _joined(cause: str, detail: str) -> str:
    """The cause before the reason, unless that begins with it."""
    return detail if detail.startswith(cause) else ": ".join(filter(None, (cause, detail)))


def _print_wrapped(columns: list[Column], rows: list[list[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from mitmclaude.cli.told import clean

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.name, justify=column.align, no_wrap=not column.wide, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console().print(table)


def _row(one: "Explained") -> tuple[str, ...]:
    cause = f"{one.cause}{'' if one.certainty in (None, 'certain') else '?'}"
    return (
        f"{one.at.astimezone():%m-%d %H:%M:%S}", short(one.call), (one.agent_id or "main")[:8], f"{one.read:,}",
        f"{one.written:,}", f"{one.fresh:,}", f"{one.missed:,}" if one.missed else "",
        _money(one.waste_usd) if one.missed else "", cause, one.detail,
    )  # fmt: skip


def _print_hints(shown: "list[Explained]") -> None:
    """What a question mark means, and how to see what differs."""
    if any(one.certainty in ("likely", "unknown") for one in shown):
        typer.echo("?  likely, not certain")
    compared = [one for one in shown if one.predecessor and one.cause in COMPARABLE]
    if compared:
        typer.echo(f"What differs:  mitmclaude diff {short(compared[-1].predecessor or '')} {short(compared[-1].call)}")
    typer.echo()


def _print_totals(sums: "Totals", by: By) -> None:
    out = console()
    rate = (
        ""
        if sums.hit_rate is None
        else f"; {sums.hit_rate:.1%} of {sums.prompt:,} prompt tokens were read from the cache"
    )
    misses = sum(one.calls for one in sums.by_cause)
    calls = "1 call" if sums.calls == 1 else f"{sums.calls:,} calls"
    if not misses:
        out.print(f"No miss in {calls}{rate}.")
        return
    out.print(f"{'1 miss' if misses == 1 else f'{misses:,} misses'} in {calls}{rate}.")
    out.print()
    columns = (Column(by), Column("misses", "right"), Column("tokens", "right"), Column("waste", "right"))
    rows = [
        (one.cause, f"{one.calls:,}", f"{one.missed:,}", _sum(one.waste_usd, one.unpriced)) for one in sums.by_cause
    ]
    print_table(columns, [*rows, ("∑", f"{misses:,}", f"{sums.missed:,}", _sum(sums.waste_usd, sums.unpriced))])
    if sums.by_gap:
        out.print()
        gaps = ((gap, f"{calls:,}", f"{part:.1%}") for gap, calls, part in sums.by_gap)
        print_table((Column("since the call before"), Column("calls", "right"), Column("read", "right")), gaps)


def _money(usd: Decimal | None) -> str:
    return "unknown" if usd is None else f"${usd:.4f}" if usd < 1 else f"${usd:.2f}"


def _sum(usd: Decimal, unpriced: int) -> str:
    return _money(usd) if not unpriced else "unknown" if not usd else f"≥{_money(usd)}"
