"""`mitmclaude show`: one record as indented JSON."""

from typing import Annotated

import orjson
import typer

from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, fail, key_of, opened
from mitmclaude.cli.reading import record_of


def show(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its beginning or end.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print one record; one of another version is printed as well, as far as it is JSON."""
    opened_store = opened(store)
    key = key_of(opened_store, opened_store.keys("records/"), "record", record_id)
    try:
        content = opened_store.get(key)
        if text := _indented(content):
            typer.echo(text)
        record_of(content)
    except ValueError as error:
        fail(f"{opened_store.path(key)}: {error}")


def _indented(content: bytes) -> str | None:
    """JSON with line breaks; as it is where it is nested too deep for them; None where it is no JSON."""
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return None
    except orjson.JSONEncodeError:
        return content.decode()
