"""`mitmclaude list`: the newest records, one a line."""

from typing import Annotated

import typer

from mitmclaude.cli.opened import StoreOption, opened
from mitmclaude.record import line
from mitmclaude.record.record import Record


def records(
    store: StoreOption = "captures",
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many at the most.")] = 20,
    session: Annotated[str, typer.Option(help="Only sessions whose id begins so.")] = "",
) -> None:
    """List the newest records, newest last."""
    opened_store = opened(store)
    found: list[Record] = []
    for key in reversed(list(opened_store.keys("records/"))):
        record = Record.model_validate_json(opened_store.get(key))
        if (record.session_id or "").startswith(session):
            found.append(record)
        if len(found) == count:
            break
    for record in reversed(found):
        typer.echo(f"{record.started_at.astimezone():%Y-%m-%d %H:%M:%S}  {line.line(record)}")
