"""`mitmclaude list`: the newest records, one a line."""

from typing import Annotated

import typer

from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, opened, printable
from mitmclaude.cli.reading import Reading
from mitmclaude.record import line


def records(
    store: StoreOption = DEFAULT_STORE,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many at the most.")] = 20,
    session: Annotated[str, typer.Option(help="Only sessions whose id begins so.")] = "",
) -> None:
    """List the newest records, newest last."""
    reading = Reading(opened(store))
    lines: list[str] = []
    for key in reversed(reading.opened.keys("records/")):
        record = reading.record(key)
        if record and (record.session_id or "").startswith(session):
            lines.append(f"{record.started_at.astimezone():%Y-%m-%d %H:%M:%S}  {line.line(record)}")
        if len(lines) == count:
            break
    if lines:
        typer.echo("\n".join(reversed(lines)))
    of = f" of a session that begins with {session!r}" if session else ""
    reading.end("" if lines else f"no record{of} in {printable(reading.opened.place)}")
