"""`mitmclaude show`: one call, as a person reads it; its record or its bodies."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from mitmclaude.cli.asking import JsonOption, asking, library_of, print_json
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, fail, key_of, opened
from mitmclaude.cli.reading import record_of

if TYPE_CHECKING:
    from mitmclaude.library.bodies import Message
    from mitmclaude.record.record import Record


@asking()
def show(
    record_id: Annotated[
        str, typer.Argument(metavar="[ID]", help="An id, the beginning or end of one, last, or -2 for the one before.")
    ] = "last",
    raw: Annotated[bool, typer.Option("--raw", help="Print the record as JSON, also one of another version.")] = False,
    request: Annotated[bool, typer.Option("--request", help="Print the request's body, from the raw flow.")] = False,
    response: Annotated[bool, typer.Option("--response", help="Print the answer's body, from the raw flow.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show long texts and the client's reminders whole.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show one call: what is new in it, its answer, usage, cost, timing and findings.

    Examples: mitmclaude show; mitmclaude show 3f02ef18 --raw; mitmclaude show last --request | jq .tools
    """
    if raw:
        _print_raw(record_id, store)
        return
    record = _record(record_id, store)
    if request or response:
        _print_body(record, store, is_request=request)
    elif as_json:
        print_json("show", _plain(record))
    else:
        from mitmclaude.cli.shown import print_call

        print_call(record, full)


def _plain(record: "Record") -> dict[str, Any]:
    """The row of the call, and what a person is shown besides it."""
    from mitmclaude.record.row import row

    response = record.response
    return row(record)._asdict() | {
        "input": record.request.input,
        "answer": response.message.get("content") if response and response.message else None,
        "error": response.error if response else None,
        "cost": record.cost.model_dump(mode="json") if record.cost else None,
        "timing": record.timing.model_dump(mode="json", exclude={"blocks"}),
        "findings": [finding.model_dump() for finding in record.findings],
        "error_texts": record.errors,
    }


def _record(name: str, store: str) -> "Record":
    """The record that is meant, by the library; by the store itself where there is none, or it does not know it."""
    from mitmclaude.library.library import open_library

    opened_store = opened(store)
    try:
        library = open_library(store)
        return library.record(library.resolve(name))
    except (ModuleNotFoundError, LookupError, ValueError):
        keys = opened_store.keys("records/")
        key = _from_the_end(keys, name) or key_of(opened_store, keys, "record", name)
    try:
        return record_of(opened_store.get(key))
    except ValueError as error:
        fail(f"{opened_store.path(key)}: {error}")


def _print_raw(name: str, store: str) -> None:
    opened_store = opened(store)
    keys = opened_store.keys("records/")
    key = _from_the_end(keys, name) or key_of(opened_store, keys, "record", name)
    try:
        content = opened_store.get(key)
        if text := _indented(content):
            typer.echo(text)
        record_of(content)
    except ValueError as error:
        fail(f"{opened_store.path(key)}: {error}")


def _from_the_end(keys: list[str], name: str) -> str | None:
    """The key of the newest record, or of one before it, where it is named so."""
    back = 1 if name == "last" else int(name[1:]) if name[:1] == "-" and name[1:].isdecimal() else 0
    return keys[-back] if 0 < back <= len(keys) else None


def _print_body(record: "Record", store: str, *, is_request: bool) -> None:
    """A body as it was sent, but for its content encoding; JSON with line breaks on a terminal."""
    from mitmclaude.cli.raw import bodies_of

    try:
        found = bodies_of(library_of(store), record)
    except ValueError as error:
        fail(str(error))
    message: Message | None = found.request if is_request else found.response
    if message is None or message.body is None:
        fail(f"the raw flow of {record.id} has no {'request' if is_request else 'answer'}")
    body = message.body
    if sys.stdout.isatty() and (text := _indented(body)):
        body = text.encode() + b"\n"
    sys.stdout.buffer.write(body)
    if message.problem:
        fail(message.problem)


def _indented(content: bytes) -> str | None:
    """JSON with line breaks; as it is where it is nested too deep for them; None where it is no JSON."""
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return None
    except orjson.JSONEncodeError:
        return content.decode()
