"""`mitmclaude show`: one record as indented JSON."""

from typing import Annotated

import orjson
import typer

from mitmclaude.cli.opened import StoreOption, key_of, opened


def show(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its beginning or end.")],
    store: StoreOption = "captures",
) -> None:
    """Print one record."""
    opened_store = opened(store)
    content = opened_store.get(key_of(opened_store, "records/", record_id))
    typer.echo(orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode())
