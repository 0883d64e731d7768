"""The `mitmclaude` command: one file a subcommand."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mitmclaude import __version__
from mitmclaude.cli import (
    cache,
    context,
    conversation,
    diff,
    flow,
    opened,
    records,
    report,
    run,
    schema,
    search,
    sessions,
    show,
    sql,
    tail,
    token,
)

app = typer.Typer(pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mitmclaude {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """See, check and keep what Claude Code sends and gets."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        store = os.environ.get("CLAUDE_STORE") or opened.DEFAULT_STORE
        typer.echo(_where(store))
        typer.echo(_cached(store))


def _where(store: str) -> str:
    """One line about the store that the subcommands read."""
    place = opened.place_of(store)
    is_empty = opened.is_directory(store) and not Path(place).is_dir()
    return f"The store is {opened.printable(place)}{', where nothing is yet' if is_empty else ''}."


def _cached(store: str) -> str:
    """One line about the local cache of that store."""
    from mitmclaude.library.folder import folder_of

    folder = folder_of(store)
    size = sum(file.stat().st_size for file in folder.iterdir()) if folder.is_dir() else 0
    return f"What is read of it is kept in {opened.printable(str(folder))} ({size / 1e6:,.0f} MB)."


_IDS = {"ignore_unknown_options": True}
"""So that -1 is an id."""
app.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run.run)
app.command("sessions", context_settings=_IDS)(sessions.sessions_)
app.command("report")(report.report)
app.command("search")(search.search)
app.command("sql")(sql.sql)
app.command("tail")(tail.tail)
app.command("list")(records.records)
app.command("show", context_settings=_IDS)(show.show)
app.command("conversation", context_settings=_IDS)(conversation.conversation)
app.command("cache", context_settings=_IDS)(cache.cache)
app.command("diff", context_settings=_IDS)(diff.diff)
app.command("context", context_settings=_IDS)(context.context)
app.command("flow")(flow.flow)
app.command("schema")(schema.schema)
app.add_typer(token.app, name="token")
