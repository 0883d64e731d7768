"""`mitmclaude report`: what was spent and how it went, by person, model, day and more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mitmclaude.cli import asking
from mitmclaude.cli.asking import (
    Column,
    JsonOption,
    ModelOption,
    OutcomeOption,
    PrincipalOption,
    SinceOption,
    UntilOption,
)
from mitmclaude.cli.opened import DEFAULT_STORE, WRONG, StoreOption, fail, place_of
from mitmclaude.library import page, shown, totals
from mitmclaude.library.page import Plot, Series, Table
from mitmclaude.library.selection import Selection
from mitmclaude.library.totals import BY, Drift, Totals
from mitmclaude.library.where import condition

NUMBERS: Final = (
    Column("calls", "right"),
    Column("sessions", "right", spare=4),
    Column("new", "right", spare=8),
    Column("written", "right", spare=9),
    Column("read", "right", spare=7),
    Column("out", "right"),
    Column("hit", "right"),
    Column("cost", "right", style="green"),
    Column("failed", "right", style="red"),
    Column("retries", "right", spare=10),
    Column("drift", "right", spare=6),
    Column("ttft p50", "right", spare=2),
    Column("p95", "right", spare=3),
    Column("tokens/s p50", "right", spare=5),
    Column("p5", "right", spare=11),
)


def report(
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="WHAT", help=f"One or more of {', '.join(BY)}; with commas, or given again."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    session: asking.SessionOption = None,
    principal: PrincipalOption = None,
    model: ModelOption = None,
    outcome: OutcomeOption = None,
    csv_: Annotated[bool, typer.Option("--csv", help="Print CSV, with all digits.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one HTML page with plots, which needs no other."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """What was spent and how it went: tokens, cost, cache, failures, speed.

    \b
    new, written, read  tokens of the prompts: not cached, written to the cache, read from it
    hit                 the part of them that was read
    cost                at list price; ≥ before a lower bound: an answer was cut, or a price is not known
    ttft                time to the first token

    \b
    Examples:
      mitmclaude report --by day --since 7d
      mitmclaude report --by principal,model --json
      mitmclaude report --by version --html report.html
    """
    names = [name.strip() for given in by or ["model"] for name in given.split(",") if name.strip()]
    if unknown := [name for name in names if name not in BY]:
        fail(f"--by: wanted {', '.join(BY)}, found {unknown[0]!r}", WRONG)
    names = list(dict.fromkeys(names))
    chosen = asking.selected(since, until, session, principal, model, outcome)
    with asking.asking():
        made = _Report(store, chosen, names)
        if json:
            told = {"by": names, "rows": [totals.fields(one) for one in made.rows]}
            asking.print_json(
                "report", told | {"total": made.total and totals.fields(made.total), "drift": _drift(made.drift)}
            )
        elif html is not None:
            _write(html, made.html(place_of(store)))
        elif csv_:
            _csv(names, made.rows)
        elif made.total is None:
            fail("no call in this store" if chosen == Selection() else "no call that was asked for")
        else:
            _print(names, made)


class _Report:
    """What was asked for."""

    def __init__(self, store: str, chosen: Selection, by: Sequence[str]) -> None:
        self.by = by
        self._library = asking.library_of(store)
        self._where, self._parameters = condition(chosen)
        self._library.use_zone(asking.zone())
        self.rows = self._totals(by)
        self.total = next(iter(self._totals(())), None)
        drifts = self._library.query(totals.drifts(self._where), self._parameters) if self._has_drift else []
        self.drift = [Drift(*one) for one in drifts]

    @property
    def _has_drift(self) -> bool:
        return self.total is not None and self.total.drift > 0

    def _totals(self, by: Sequence[str]) -> list[Totals]:
        found = self._library.query(totals.query(by, self._where), self._parameters)
        return [totals.totals(by, one) for one in found]

    def html(self, place: str) -> str:
        """The page."""
        days, by_model = self._totals(["day"]), self._totals(["day", "model"])
        rows = [_row(one) for one in self.rows]
        tables = [(f"By {', '.join(self.by)}", Table([*self.by, *_names()], rows, len(self.by), _foot(self)))]
        if self.drift:
            tables.append(("Drift by client version", Table(Drift._fields, [_texts(one) for one in self.drift], 3)))
        said = f"{place}, made {asking.now():%Y-%m-%d %H:%M}"
        return page.page("What Claude Code used", said, _plots(days, by_model), tables)


def _print(by: Sequence[str], made: _Report) -> None:
    columns = [*(Column(name, style="cyan") for name in by), *NUMBERS]
    rows = [_row(one) for one in made.rows]
    asking.print_table(columns, [*rows, _foot(made)] if len(rows) > 1 else rows)
    if made.drift:
        typer.echo("\nDrift: what this version of mitmclaude does not know, by client version")
        columns = [
            Column("version", style="cyan"),
            Column("where"),
            Column("what", wide=True),
            Column("calls", "right"),
        ]
        asking.print_table(columns, [_texts(one) for one in made.drift])


def _row(one: Totals) -> list[str]:
    keys = [_key(name, value) for name, value in one.by.items()]
    tokens = one.input_tokens, one.cache_creation_input_tokens, one.cache_read_input_tokens, one.output_tokens
    cost = shown.money(one.cost_usd, partial=bool(one.partial or one.unpriced))
    return [
        *keys,
        f"{one.calls:,}",
        f"{one.sessions:,}",
        *map(shown.count, tokens),
        shown.percent(one.hit_rate),
        shown.NONE if one.unpriced and not one.cost_usd else cost,
        *(f"{number:,}" if number else "" for number in (one.failed, one.retries, one.drift)),
        shown.seconds(one.ttft_p50),
        shown.seconds(one.ttft_p95),
        _speed(one.speed_p50),
        _speed(one.speed_p5),
    ]


def _foot(made: _Report) -> list[str]:
    if made.total is None:
        return []
    return ["∑", *[""] * (len(made.by) - 1), *_row(made.total)]


def _names() -> list[str]:
    return [column.name for column in NUMBERS]


def _key(name: str, value: str | None) -> str:
    if value is None:
        return "main" if name == "agent" else shown.NONE
    return shown.short(value) if name in ("session", "agent") else value


def _speed(value: float | None) -> str:
    return shown.NONE if value is None else f"{value:.0f}"


def _texts(one: Drift) -> list[str]:
    return [one.client_version or shown.NONE, one.path, one.message, f"{one.calls:,}"]


def _drift(found: Sequence[Drift]) -> list[dict[str, Any]]:
    return [one._asdict() for one in found]


def _csv(by: Sequence[str], rows: Sequence[Totals]) -> None:
    names = [*by, *(name for name in Totals._fields if name != "by"), "hit_rate"]
    asking.print_csv(names, ([totals.fields(one)[name] for name in names] for one in rows))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {file.absolute()}: {error.strerror or error}")
    typer.echo(f"wrote {file}")


def _plots(days: Sequence[Totals], by_model: Sequence[Totals]) -> list[Plot]:
    names = [one.by["day"] or "" for one in days]
    costs = {(one.by["day"], one.by["model"]): float(one.cost_usd) for one in by_model}
    spent_on = {model: sum(cost for (_, of), cost in costs.items() if of == model) for _, model in costs}
    models = sorted(spent_on, key=lambda model: -spent_on[model])
    spent = [Series(shown.model(model), [costs.get((day, model)) for day in names]) for model in models]
    tokens = [
        Series("new", [float(one.input_tokens) for one in days]),
        Series("written to the cache", [float(one.cache_creation_input_tokens) for one in days]),
        Series("read from the cache", [float(one.cache_read_input_tokens) for one in days]),
        Series("output", [float(one.output_tokens) for one in days]),
    ]
    ttft = [Series("p50", [one.ttft_p50 for one in days]), Series("p95", [one.ttft_p95 for one in days])]
    hits = [Series("hit rate", [None if one.hit_rate is None else 100 * one.hit_rate for one in days])]
    calls = [
        Series("complete", [float(one.calls - one.failed) for one in days]),
        Series("failed", [float(one.failed) for one in days]),
    ]
    return [
        Plot("Cost by day and model", names, spent, "${}"),
        Plot("Tokens by day", names, tokens, "{}"),
        Plot("Cache: tokens of prompts that were read from it", names, hits, "{}%", bars=False),
        Plot("Time to first token", names, ttft, "{}s", bars=False),
        Plot("Calls by day", names, calls, "{}"),
    ]
