"""`mitmclaude tail`: each call as it comes to the store."""

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mitmclaude.cli import asking
from mitmclaude.cli.asking import ModelOption, OutcomeOption, PrincipalOption
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, is_directory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mitmclaude.record.row import Row

EVERY: Final = 0.5
"""Seconds between two looks at a directory."""

EVERY_REMOTE: Final = 2.0
"""Seconds between two looks at a store elsewhere; each is one small listing."""


def tail(
    store: StoreOption = DEFAULT_STORE,
    count: Annotated[int, typer.Option("-n", "--count", min=0, help="How many that are there already.")] = 10,
    session: asking.SessionOption = None,
    principal: PrincipalOption = None,
    model: ModelOption = None,
    outcome: OutcomeOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print each call as one line of JSON.")] = False,
) -> None:
    """Follow the calls as they come, one a line; Ctrl-C ends it.

    \b
    Examples:
      mitmclaude tail
      mitmclaude tail --outcome failed --store s3://bucket/team
    """
    chosen = asking.selected(None, None, session, principal, model, outcome)
    library = asking.library_of(store)
    every = EVERY if is_directory(store) else EVERY_REMOTE
    try:
        with asking.asking(interrupted=None):
            seen = {one for (one,) in library.query("select id from calls")}
            parts = library.state.parts
            if count:
                _print(library.rows(chosen)[-count:], json)
            while True:
                time.sleep(every)
                library.refresh()
                if library.state.parts != parts:
                    parts = library.state.parts
                    new = [row for row in library.new_rows(seen) if chosen.matches(row)]
                    _print(new, json)
    except KeyboardInterrupt:
        raise typer.Exit from None


def _print(rows: "Iterable[Row]", json: bool) -> None:
    from mitmclaude.record import line

    for row in rows:
        if json:
            typer.echo(line.flat(row))
        else:
            typer.echo(f"{row.started_at.astimezone():%H:%M:%S}  {line.line(row)}")
