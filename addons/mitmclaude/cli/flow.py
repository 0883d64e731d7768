"""`mitmclaude flow`: raw flows as a flow file of mitmproxy."""

from pathlib import Path
from typing import Annotated

import typer

from mitmclaude.cli.opened import StoreOption, key_of, opened
from mitmclaude.record import rawflow


def flow(
    record_ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids, or their beginnings or ends.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write, e.g. calls.mitm.")],
    store: StoreOption = "captures",
) -> None:
    """Write the raw flows of records into one file, for `mitmweb -r FILE` or `mitmproxy -nr FILE`."""
    opened_store = opened(store)
    keys = [key_of(opened_store, "flows/", record_id) for record_id in record_ids]
    with output.open("wb") as file:
        for key in keys:
            file.write(rawflow.decompressed(opened_store.get(key)))
    typer.echo(f"{len(keys)} flows in {output}")
