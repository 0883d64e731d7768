"""`mitmclaude schema`: the JSON Schemas of the record and of what --json prints."""

from typing import Annotated

import orjson
import typer

from mitmclaude.record.record import Record


def schema(
    asked: Annotated[
        bool, typer.Option("--asked", help="Of what sessions, report, search, sql print with --json.")
    ] = False,
) -> None:
    """Print the JSON Schema of the record, as it is published in schema/record.schema.json."""
    typer.echo(asked_schema() if asked else json_schema(), nl=False)


def asked_schema() -> str:
    """The JSON Schema of what the commands print, as it is published in schema/asked.schema.json."""
    from mitmclaude.library.published import schema

    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def json_schema() -> str:
    """The JSON Schema of the record, indented, with a final line break."""
    tree = Record.model_json_schema()
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
