"""`mitmclaude sessions`: what each session did and cost; and one session as a tree of its agents and calls."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
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
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, fail, printable
from mitmclaude.library import sessions, shown
from mitmclaude.library.library import Library, back_of
from mitmclaude.library.selection import Selection
from mitmclaude.library.sessions import Agent, Session, Total
from mitmclaude.library.where import condition
from mitmclaude.record.row import Row

COLUMNS: Final = (
    Column("when"),
    Column("session", style="cyan"),
    Column("title", wide=True),
    Column("turns", "right", spare=2),
    Column("calls", "right", spare=5),
    Column("agents", "right", spare=6),
    Column("model", spare=4),
    Column("new", "right", spare=8),
    Column("written", "right", spare=9),
    Column("read", "right", spare=7),
    Column("out", "right", spare=3),
    Column("hit", "right"),
    Column("cost", "right", style="green"),
    Column("time", "right", spare=1),
    Column("failed", style="red", wide=True),
)
TREE: Final = (
    Column("agent or call", style="cyan"),
    Column("at", spare=2),
    Column("model", spare=1),
    Column("new", "right", spare=4),
    Column("written", "right", spare=5),
    Column("read", "right", spare=3),
    Column("out", "right"),
    Column("hit", "right"),
    Column("cost", "right", style="green"),
    Column("time", "right"),
    Column("what", wide=True),
)


def sessions_(
    session: Annotated[
        str, typer.Argument(metavar="[ID]", help="A session to see as a tree: the beginning of its id, last, -1, -2 …")
    ] = "",
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    session_option: asking.SessionOption = None,
    principal: PrincipalOption = None,
    model: ModelOption = None,
    outcome: OutcomeOption = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many sessions at the most.")] = 20,
    json: JsonOption = False,
) -> None:
    """What each session did and cost, the newest first; with an ID, its agents and calls as a tree.

    \b
    new, written, read  tokens of the prompts: not cached, written to the cache, read from it
    hit                 the part of them that was read
    ∑                   stands before the sums over an agent and all agents below it
    ≥                   stands before a lower bound

    \b
    Examples:
      mitmclaude sessions --since yesterday
      mitmclaude sessions a1985f7f
      mitmclaude sessions last
      mitmclaude sessions --principal ann --outcome failed --json
    """
    library = asking.library_of(store)
    with asking.asking():
        if back := back_of(session):
            session = _from_the_end(library, back)
        chosen = asking.selected(since, until, session or session_option, principal, model, outcome)
        where, parameters = condition(chosen)
        newest = None if session else count
        found = [sessions.session(one) for one in library.query(sessions.listing(where, newest), parameters)]
        if session:
            _one([one for one in found if one.session_id], session, library.rows(chosen), json)
        else:
            _all(found, chosen, json)


def _from_the_end(library: Library, back: int) -> str:
    """The id of the session that is number `back` from the newest."""
    where, parameters = condition(Selection())
    found = [sessions.session(one) for one in library.query(sessions.listing(where, back), parameters)]
    named = [one.session_id for one in found if one.session_id]
    if len(named) < back:
        fail(f"wanted the session number {back} from the newest, found {len(named)} sessions")
    return named[back - 1]


def _all(found: Sequence[Session], chosen: Selection, json: bool) -> None:
    if json:
        asking.print_json("sessions", [_fields(one) for one in found])
        return
    if not found:
        fail("no call in this store" if chosen == Selection() else "no call that was asked for")
    rows = [_cells(one) for one in found]
    if len(found) > 1:
        rows.append(_sums(found))
    asking.print_table(COLUMNS, rows)


def _cells(one: Session) -> list[str]:
    return [
        shown.when(one.started_at, asking.now().tzinfo),
        shown.short(one.session_id),
        one.title or ("calls without a session" if one.session_id is None else shown.NONE),
        str(one.turns),
        str(one.calls),
        str(one.agents),
        shown.models(one.models),
        *_numbers(one),
        _cost(one.cost_usd, one.partial, one.unpriced),
        shown.seconds(one.duration),
        f"{one.failed} {', '.join(one.failures)}" if one.failed else "",
    ]


def _numbers(of: Session | Total) -> list[str]:
    tokens = of.input_tokens, of.cache_creation_input_tokens, of.cache_read_input_tokens, of.output_tokens
    return [*map(shown.count, tokens), shown.percent(of.hit_rate)]


def _sums(found: Sequence[Session]) -> list[str]:
    summed = Total(
        sum(one.calls for one in found),
        sum(one.input_tokens for one in found),
        sum(one.cache_creation_input_tokens for one in found),
        sum(one.cache_read_input_tokens for one in found),
        sum(one.output_tokens for one in found),
        sum((one.cost_usd for one in found), Decimal(0)),
        sum(one.partial for one in found),
        sum(one.failed for one in found),
    )
    cost = _cost(summed.cost_usd, summed.partial, sum(one.unpriced for one in found))
    turns = str(sum(one.turns for one in found))
    name = f"∑ {len(found)} sessions"
    return ["", "", name, turns, str(summed.calls), "", "", *_numbers(summed), cost, "", str(summed.failed or "")]


def _cost(cost: Decimal, partial: int, unpriced: int) -> str:
    """What is not priced makes the sum a lower bound as well."""
    return shown.NONE if unpriced and not cost else shown.money(cost, partial=bool(partial or unpriced))


def _one(found: Sequence[Session], name: str, rows: Sequence[Row], json: bool) -> None:
    if len(found) != 1:
        told = f"{len(found)} sessions have an id" if found else "no session has an id"
        fail(f"{told} that begins with {name!r}: wanted one")
    top = sessions.tree(rows)
    if json:
        asking.print_json("session", _fields(found[0]) | {"agents": [_agent(top)]})
        return
    of = found[0]
    typer.echo(f"session {of.session_id}  {', '.join(of.principals)}".rstrip())
    typer.echo(f"{shown.when(of.started_at, asking.now().tzinfo)}  {printable(of.title or shown.NONE)}\n")
    asking.print_table(TREE, [_line(line) for line in sessions.lines(top)])


def _line(line: sessions.Line) -> list[str]:
    indent = "  " * line.depth
    if line.agent is not None:
        summed = sessions.total(line.agent.all_calls)
        name = f"∑ agent {shown.short(line.agent.id)}" if line.agent.id else "∑ main"
        what = f"{summed.calls} calls" + (f", {summed.failed} failed" if summed.failed else "")
        cost = shown.money(summed.cost_usd, partial=bool(summed.partial))
        return [indent + name, "", "", *_numbers(summed), cost, "", what]
    row = line.call
    assert row is not None  # noqa: S101  a line is an agent or a call
    return [
        f"{indent}{row.id[-8:]}",
        f"{row.started_at.astimezone():%H:%M:%S}",
        shown.model(row.model),
        shown.count(row.input_tokens),
        shown.count(row.cache_creation_input_tokens),
        shown.count(row.cache_read_input_tokens),
        shown.BOUND * row.usage_is_partial + shown.count(row.output_tokens),
        shown.percent(_hit_rate(row)),
        shown.money(row.cost_usd, partial=row.usage_is_partial),
        shown.seconds(row.duration),
        _what(row),
    ]


def _hit_rate(row: Row) -> float | None:
    return sessions.hit_rate(
        row.input_tokens or 0, row.cache_creation_input_tokens or 0, row.cache_read_input_tokens or 0
    )


def _what(row: Row) -> str:
    from mitmclaude.record.line import verdict

    words = [row.endpoint] if row.endpoint != "messages" else []
    words.append(row.stop_reason or "" if row.outcome == "complete" else verdict(row))
    if row.outcome == "complete" and (row.violations or row.drift or row.errors):
        words.append(verdict(row).removeprefix("complete, "))
    return ", ".join(filter(None, words))


def _fields(one: Session) -> dict[str, Any]:
    return one._asdict() | {"hit_rate": one.hit_rate}


def _agent(agent: Agent) -> dict[str, Any]:
    summed = sessions.total(agent.all_calls)
    return {
        "agent_id": agent.id,
        "total": asdict(summed) | {"hit_rate": summed.hit_rate},
        "calls": [row._asdict() for row in agent.calls],
        "agents": [_agent(one) for one in agent.agents],
    }
