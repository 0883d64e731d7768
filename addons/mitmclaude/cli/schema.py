"""`mitmclaude schema`: the JSON Schema of the record."""

import orjson
import typer

from mitmclaude.record.record import Record


def schema() -> None:
    """Print the JSON Schema of the record, as it is published in schema/record.schema.json."""
    typer.echo(json_schema(), nl=False)


def json_schema() -> str:
    """The JSON Schema of the record, indented, with a final line break."""
    tree = Record.model_json_schema()
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
