"""`mitmclaude context`: what fills the window of a call."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mitmclaude.cli.asking import Column, JsonOption, asking, console, library_of, print_json, print_table, resolve
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, fail
from mitmclaude.library.selection import Selection

if TYPE_CHECKING:
    from mitmclaude.library.context import Context
    from mitmclaude.library.library import Library
    from mitmclaude.record.record import Record

TITLES = {
    "system": "system prompt", "tools": "tools", "messages": "messages", "results": "tool results", "rest": "the rest",
}  # fmt: skip
MOST_PARTS = 12
"""Of a group, without --full."""


@asking()
def context(
    name: Annotated[
        str, typer.Argument(metavar="[ID]", help="A call: its id, the beginning or end of it, or last.")
    ] = "last",
    full: Annotated[bool, typer.Option("--full", help="Show all parts, also small ones.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Tell what fills the model's window: system prompt, tools by name, messages by kind, tool results by tool.

    Examples: mitmclaude context; mitmclaude context 3f02ef18 --full
    """
    library = library_of(store)
    record = library.record(resolve(library, name))
    if record.endpoint not in ("messages", "count_tokens"):
        fail(f"{record.id} is a call of {record.request.path}, which has no prompt")
    made, note = _context(library, record)
    if as_json:
        parts = [part._asdict() for part in made.parts]
        again = [one._asdict() for one in made.again]
        print_json("context", asdict(made) | {"call": record.id, "note": note, "parts": parts, "again": again})
        return
    _print(record, made, note, full)


def _context(library: "Library", record: "Record") -> "tuple[Context, str]":
    """From the raw flow, else from the records of the session; and what to say of that."""
    from mitmclaude.cli.raw import body_of
    from mitmclaude.library.context import context as filled
    from mitmclaude.library.history import history

    counted = record.usage.total_input_tokens if record.usage else None
    window = _window(record)
    try:
        return filled(body_of(library, record), counted, window), ""
    except ValueError as error:
        rows = library.rows(Selection(session=record.session_id)) if record.session_id else []
        ids = [row.id for row in rows if row.session_id == record.session_id and row.started_at <= record.started_at]
        messages: list[Any] = history(library.records(ids or [record.id]), record)
        absent = messages.count(None)
        note = f"{error}: put together from records" + (f", which lack {absent} messages" if absent else "")
        return filled({"messages": messages}, counted, window, has_rest=True), note


def _window(record: "Record") -> int | None:
    """The tokens that the model takes, by the price list and the beta that makes it larger."""
    from mitmclaude.cost import window

    model = (record.response.model if record.response else None) or record.request.model
    known = window(model, record.started_at) if model else None
    is_large = any(beta.startswith("context-1m-") for beta in record.request.betas)
    return max(known or 0, 1_000_000) if is_large else known


def _print(record: "Record", made: "Context", note: str, full: bool) -> None:
    from rich.text import Text

    from mitmclaude.cli.told import clean

    out = console()
    of = (
        f", {made.total / made.window:.1%} of the {made.window:,} that {record.request.model} takes"
        if made.window
        else ""
    )
    out.print(Text(clean(f"{record.id}: {'' if made.is_counted else 'about '}{made.total:,} tokens{of}"), "bold"))
    out.print(Text(note or "parts are estimates: the API counts the prompt as a whole", "dim"))
    out.print()
    rows: list[tuple[str, ...]] = []
    for group, title in TITLES.items():
        parts = [part for part in made.parts if part.group == group]
        if not parts:
            continue
        rows.append(
            (title, "", f"{made.of(group):,}", _share(made.of(group), made.total), _bar(made.of(group), made.total))
        )
        shown = parts if full or len(parts) <= MOST_PARTS else parts[: MOST_PARTS - 1]
        rows += [
            (f"  {part.name}", _times(part.items), f"{part.tokens:,}", _share(part.tokens, made.total), "")
            for part in shown
        ]
        if left := parts[len(shown) :]:
            tokens = sum(part.tokens for part in left)
            rows.append((f"  {len(left)} smaller ones", "", f"{tokens:,}", _share(tokens, made.total), ""))
    columns = (
        Column("part", wide=True),
        Column("", "right"),
        Column("tokens", "right"),
        Column("share", "right"),
        Column(""),
    )
    print_table(columns, rows)
    if made.again:
        out.print()
        out.print(Text("Read more than once", "bold"))
        table = [(again.path, f"{again.times}", f"{again.tokens:,} tokens again") for again in made.again]
        print_table((Column("file", wide=True), Column("times", "right"), Column("", "right")), table)


def _times(count: int) -> str:
    return f"{count:,} times" if count > 1 else ""


def _share(tokens: int, total: int) -> str:
    return f"{tokens / total:.1%}" if total else ""


def _bar(tokens: int, total: int, width: int = 20) -> str:
    return "█" * round(width * tokens / total) if total else ""
