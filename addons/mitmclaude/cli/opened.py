"""Open the store that a subcommand reads, and find what the user named in it."""

import os
from typing import Annotated

import typer

from mitmclaude.schemes import directory_of
from mitmclaude.stores import Store, open_store

StoreOption = Annotated[
    str, typer.Option("--store", envvar="CLAUDE_STORE", help="What claude_store says, e.g. s3://bucket/prefix.")
]


def opened(url: str) -> Store:
    """The store at `url`; a directory that is not there is an error, not an empty store."""
    try:
        store = open_store(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--store") from error
    path = directory_of(url)
    if path is not None and not os.path.isdir(os.path.expanduser(path)):  # noqa: PTH111, PTH112
        raise typer.BadParameter(f"no directory {url}: nothing was captured there", param_hint="--store")
    return store


def key_of(store: Store, kind: str, name: str) -> str:
    """The key of the one record or flow (`kind` with its slash) whose id begins or ends with `name`."""
    found = [key for key in store.keys(kind) if _id(key).startswith(name) or _id(key).endswith(name)]
    if len(found) != 1:
        raise typer.BadParameter(f"{len(found) or 'no'} ids in {kind} begin or end with {name!r}: wanted one")
    return found[0]


def _id(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]
