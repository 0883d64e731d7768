"""`mitmclaude list`: the newest records, one a line."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mitmclaude.cli import asking
from mitmclaude.cli.asking import ModelOption, OutcomeOption, PrincipalOption, SinceOption, UntilOption
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, opened, printable
from mitmclaude.cli.reading import Reading
from mitmclaude.library.selection import Selection
from mitmclaude.record import line
from mitmclaude.record.row import Row

if TYPE_CHECKING:
    from mitmclaude.stores.dynamodb import DynamoDBStore

RECENT: Final = 30
"""Days that are asked for one by one."""

WHOLE_ID: Final = 36
"""Characters of a session's id, which an index finds by the whole of it."""


def records(
    store: StoreOption = DEFAULT_STORE,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many at the most.")] = 20,
    since: SinceOption = None,
    until: UntilOption = None,
    session: asking.SessionOption = None,
    principal: PrincipalOption = None,
    model: ModelOption = None,
    outcome: OutcomeOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print each as one line of JSON.")] = False,
) -> None:
    """List the newest records, newest last.

    They are read from the store itself, newest first; a table in DynamoDB is asked by its indexes.

    \b
    Examples:
      mitmclaude list --outcome failed --since 2h
      mitmclaude list --principal ann -n 100 --store dynamodb://calls
    """
    chosen = asking.selected(since, until, session, principal, model, outcome)
    reading = Reading(opened(store))
    with asking.asking("interrupted"):
        newest = list(islice((row for row in _newest(reading, chosen) if chosen.matches(row)), count))
    for row in reversed(newest):
        if json:
            typer.echo(line.flat(row))
        else:
            typer.echo(f"{row.started_at.astimezone():%Y-%m-%d %H:%M:%S}  {line.line(row)}")
    of = f" of a session that begins with {session!r}" if session else ""
    if not session and chosen != Selection():
        of = " that was asked for"
    reading.end("" if newest else f"no record{of} in {printable(reading.opened.place)}")


def _newest(reading: Reading, chosen: Selection) -> Iterator[Row]:
    """The rows of a store, the newest first; those before `chosen` begins may be left out."""
    if (table := _table(reading)) is not None:
        yield from _indexed(table, chosen)
        return
    from mitmclaude.record.row import row

    for key in reversed(reading.opened.keys("records/")):
        day = _day(key)
        if chosen.since is not None and day is not None and day + timedelta(days=1) <= chosen.since:
            return
        if chosen.until is not None and day is not None and day >= chosen.until:
            continue
        if (record := reading.record(key)) is not None:
            yield row(record)


def _day(key: str) -> datetime | None:
    """The beginning of the day that a key names."""
    try:
        return datetime.strptime(key.split("/")[1], "date=%Y-%m-%d").replace(tzinfo=UTC)
    except (ValueError, IndexError):
        return None


def _table(reading: Reading) -> "DynamoDBStore | None":
    """The table that the store is, or has."""
    store: Any = reading.opened.store
    return next((one for one in getattr(store, "stores", (store,)) if hasattr(one, "by_session")), None)


def _indexed(table: "DynamoDBStore", chosen: Selection) -> Iterator[Row]:
    """What the indexes tell, the newest first: of a session, else day by day, of a principal or of all."""
    from mitmclaude.stores.table import row_of

    if chosen.session and len(chosen.session) == WHOLE_ID:
        yield from map(row_of, table.by_session(chosen.session))
        return
    for day in _days(table, chosen):
        found = table.by_principal(chosen.principal, day) if chosen.principal else table.by_day(day)
        yield from map(row_of, found)


def _days(table: "DynamoDBStore", chosen: Selection) -> Iterator[date]:
    """The days that may have calls, the newest first: the last ones, then those of a scan of all keys."""
    day = (chosen.until or datetime.now(UTC) + timedelta(days=1)).astimezone(UTC).date()
    first = chosen.since.astimezone(UTC).date() if chosen.since else day - timedelta(days=RECENT)
    while day >= first:
        yield day
        day -= timedelta(days=1)
    if chosen.since is None:
        earlier = {begun.date() for key in table.keys("records/") if (begun := _day(key)) and begun.date() < first}
        yield from sorted(earlier, reverse=True)
