"""`mitmclaude diff`: what is different in what two calls asked."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mitmclaude.cli.asking import (
    Column,
    JsonOption,
    asking,
    console,
    is_terminal,
    library_of,
    print_json,
    print_table,
    resolve,
)
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from mitmclaude.library.diff import Asked, Change
    from mitmclaude.library.difference import Line
    from mitmclaude.library.library import Library
    from mitmclaude.record.record import Record

MOST_LINES = 60
"""Of one part, without --full."""
MOST_CHARACTERS = 240
"""Of one line, without --full."""
AROUND = 40
"""Characters before and after a change in a long line."""


@asking()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A call: its id, the beginning or end of it, or -2.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another one, or last.")] = "last",
    stat: Annotated[bool, typer.Option("--stat", help="Only how much differs, by part.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show long changes whole.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Compare what two calls asked: settings, system blocks, tools by name, messages; words that changed are marked.

    Examples: mitmclaude diff -2 last; mitmclaude diff 3f02ef18 9c41aa07 --stat
    """
    from mitmclaude.library import diff as comparing

    library = library_of(store)
    records = [library.record(resolve(library, name)) for name in (before, after)]
    found, note = _asked(library, records)
    changes = comparing.diff(*found)
    counts = comparing.stat(changes)
    if as_json:
        calls = {name: {"id": one.id, "at": one.started_at} for name, one in zip("ab", records, strict=True)}
        plain = [_plain(change) for change in changes]
        print_json("diff", calls | {"note": note, "stat": dict(counts), "changes": plain})
        return
    out = console()
    _print_head(out, records, note)
    if not changes:
        out.print("They asked the same.")
    elif stat:
        _print_stat(counts)
    else:
        for change in changes:
            _print_change(out, change, full)


def _asked(library: "Library", records: "list[Record]") -> "tuple[list[Asked], str]":
    """The parts of both, from raw flows where both are kept, else from the records; and what to say of that."""
    from mitmclaude.cli.raw import body_of
    from mitmclaude.library.diff import of_body, of_record

    try:
        return [of_body(body_of(library, record), record.request.betas) for record in records], ""
    except ValueError as error:
        return [of_record(record) for record in records], f"{error}: texts that no record has are not compared"


def _plain(change: "Change") -> dict[str, Any]:
    lines = [{"sign": sign, "pieces": [piece._asdict() for piece in pieces]} for sign, pieces in change.lines]
    gone, new = change.size
    fields = {"section": change.section, "kind": change.kind, "label": change.label}
    return fields | {"characters_before": gone, "characters_after": new, "lines": lines}


def _print_head(out: "Console", records: "list[Record]", note: str) -> None:
    from rich.text import Text

    for sign, record, style in zip("-+", records, ("red", "green"), strict=True):
        at = f"{record.started_at.astimezone():%Y-%m-%d %H:%M:%S}"
        out.print(Text(f"{sign} {record.id}  {at}  {record.request.message_count} messages", style))
    if note:
        out.print(Text(note, "dim"))


def _print_stat(counts: list[tuple[str, dict[str, int]]]) -> None:
    kinds = ("added", "removed", "edited")
    columns = [Column("part"), *(Column(kind, "right") for kind in kinds), Column("characters", "right")]
    rows = [
        (section, *(str(count.get(kind, "")) for kind in kinds), f"+{count['+']:,} -{count['-']:,}")
        for section, count in counts
    ]
    print_table(columns, rows)


def _print_change(out: "Console", change: "Change", full: bool) -> None:
    from rich.text import Text

    from mitmclaude.cli.told import clean, indented

    sign, style = {"added": ("+", "bold green"), "removed": ("-", "bold red"), "edited": ("~", "bold yellow")}.get(
        change.kind, ("~", "bold yellow")
    )
    out.print()
    head = change.label if change.section != "tools" else f"tool {change.label}"
    if change.kind == "moved":
        head = f"tools {change.label}"
    out.print(Text(clean(f"{sign} {head}"), style))
    for line in change.lines if full else change.lines[:MOST_LINES]:
        out.print(indented(_line(line, full), 4))
    if not full and (left := len(change.lines) - MOST_LINES) > 0:
        out.print(indented(f"… {left:,} more lines (--full shows all)", 4, "dim"))


def _line(line: "Line", full: bool) -> "Text":
    """A line with its changed words marked: by colour on a terminal, else as [-gone-] and {+new+}."""
    from rich.text import Text

    from mitmclaude.cli.told import clean

    sign, pieces = line
    styles = {"=": "", "-": "red strike" if sign == "~" else "red", "+": "green"}
    text = Text(f"{sign} ", "dim")
    for piece in pieces:
        said = clean(piece.text if full else _shortened(piece.text, is_changed=sign == "~"))
        if sign == "~" and piece.sign != "=" and not is_terminal():
            said = f"[-{said}-]" if piece.sign == "-" else f"{{+{said}+}}"
        text.append(said, styles[piece.sign])
    return text


def _shortened(text: str, *, is_changed: bool) -> str:
    """A long line without its end; a long piece of a changed one without its midst."""
    if is_changed and len(text) > 3 * AROUND:
        return f"{text[:AROUND]} … {text[-AROUND:]}"
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} … {len(text) - MOST_CHARACTERS:,} more"
