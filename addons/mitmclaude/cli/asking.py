"""What the commands that ask the captures share: their options, and how an answer is printed."""

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
import typer

from mitmclaude.cli.opened import WRONG, StoreOption, fail, opened, printable
from mitmclaude.library.selection import Selection, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from rich.console import Console

    from mitmclaude.library.library import Library

__all__ = [
    "Column",
    "JsonOption",
    "ModelOption",
    "OutcomeOption",
    "PrincipalOption",
    "SessionOption",
    "SinceOption",
    "StoreOption",
    "UntilOption",
    "asking",
    "console",
    "library_of",
    "print_json",
    "print_table",
    "resolve",
    "selected",
]

VERSION: Final = 1
"""Of what --json prints; a field may be added without a new one, none is renamed or removed."""

INTERRUPTED: Final = "interrupted; what was read of the store is kept, and the next time goes on from there"

NARROWEST: Final = 12
"""Characters to which a wide column is cut."""

BETWEEN: Final = 3
"""Characters between two columns on a terminal."""

PANEL: Final = "Which calls"

SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", rich_help_panel=PANEL, help="From then on: 2026-11-24, 2h, 3d, yesterday."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", rich_help_panel=PANEL, help="Up to then; a day counts whole.")
]
SessionOption = Annotated[
    str | None, typer.Option("--session", metavar="ID", rich_help_panel=PANEL, help="Of sessions whose id begins so.")
]
PrincipalOption = Annotated[
    str | None,
    typer.Option("--principal", metavar="NAME", rich_help_panel=PANEL, help="Of calls with this person's token."),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="PART", rich_help_panel=PANEL, help="Of models with this in the name.")
]
OutcomeOption = Annotated[
    str | None,
    typer.Option(
        "--outcome",
        metavar="OUTCOME",
        rich_help_panel=PANEL,
        help="With this outcome, e.g. truncated; failed for all but complete.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs and agents.")]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that is printed."""

    name: str
    align: Literal["left", "right"] = "left"
    style: str | None = None
    wide: bool = False
    """Whether it is cut where a terminal is narrow."""
    spare: int = 0
    """Where a terminal is too narrow, columns are left out: those with the largest number first, none with 0."""


def selected(
    since: str | None = None,
    until: str | None = None,
    session: str | None = None,
    principal: str | None = None,
    model: str | None = None,
    outcome: str | None = None,
) -> Selection:
    """What the options select; the command ends where one of them cannot be read."""
    return Selection(
        _moment("--since", since, end=False),
        _moment("--until", until, end=True),
        session or None,
        principal or None,
        model or None,
        _outcome(outcome),
    )


def library_of(store: str) -> "Library":
    """The library of a store; the command ends where there is none.

    The first question fills its local cache, with progress on a terminal; what cannot be read is named on stderr.
    """
    opened_store = opened(store)
    try:
        from mitmclaude.library.library import open_library

        return open_library(store, _Filling(opened_store.path))
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        fail("this needs DuckDB: install mitmclaude with the extra sql, e.g. pip install 'mitmclaude[sql]'")


@contextmanager
def asking(interrupted: str | None = INTERRUPTED) -> "Iterator[None]":
    """End the command, in one line, where the store or its cache fails, or where the user interrupts it."""
    try:
        yield
    except BrokenPipeError:  # whoever read it has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except OSError as error:
        fail(printable(str(error)))
    except KeyboardInterrupt:
        if interrupted is None:
            raise
        typer.echo(f"mitmclaude: {interrupted}", err=True)
        raise typer.Exit(130) from None


class _Filling:
    """Shows how the local cache is filled, where that takes a while and a person looks on."""

    SHOWN: Final = 5
    """Objects that are named of those that cannot be read."""

    def __init__(self, path: "Callable[[str], str]") -> None:
        self._path = path
        self._progress: Any = None
        self._task: Any = None

    def reads(self, done: int, total: int) -> None:
        """`done` records of `total` are read."""
        if total < 500 or not sys.stderr.isatty():
            return
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task("reading new records", total=total)
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total)

    def ends(self) -> None:
        """Nothing more is read."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def skips(self, skipped: "Mapping[str, str]") -> None:
        """These cannot be read, for these reasons."""
        for key, why in list(skipped.items())[: self.SHOWN]:
            typer.echo(printable(f"skipped {self._path(key)}: {why}"), err=True)
        if (more := len(skipped) - self.SHOWN) > 0:
            typer.echo(f"skipped {more} more that cannot be read", err=True)


def resolve(library: "Library", name: str) -> str:
    """The whole id that the user means; the command ends where there is none, or more than one."""
    try:
        return library.resolve(name)
    except LookupError as error:
        fail(printable(str(error.args[0])))


def is_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def console() -> "Console":
    """Where to print for people: with colours on a terminal, plain and of any width when piped."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not is_terminal(), markup=False, emoji=False)


def print_json(kind: str, value: Any, **more: Any) -> None:
    """Print ``{"version": 1, KIND: value}``, and `more`: indented for people, else in one line; money is a text."""
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | (orjson.OPT_INDENT_2 if is_terminal() else 0)
    sys.stdout.buffer.write(orjson.dumps({"version": VERSION, kind: value, **more}, default=_plain, option=option))


def print_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print CSV with a head; money and times in full, and nothing that a spreadsheet takes for a formula."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_csv(value) for value in row] for row in rows)


def text_of(value: Any) -> str:
    """A value of a column, in full."""
    from mitmclaude.library.money import exact

    if isinstance(value, Decimal):
        return format(exact(value), "f")
    return str(value)


def _csv(value: Any) -> str:
    if value is None:
        return ""
    text = text_of(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(("=", "+", "-", "@", "\t")) else text


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: by rich on a terminal, else aligned by blanks with one row a line."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if is_terminal():
        _print_rich(columns, rows)
        return
    lines = [[column.name for column in columns], *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.rjust(width) if column.align == "right" else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        typer.echo("  ".join(cells).rstrip())


def _print_rich(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    wide = console().width
    widths = [
        max(cell_len(text) for text in (column.name, *(row[at] for row in rows))) for at, column in enumerate(columns)
    ]
    least = [min(width, NARROWEST) if column.wide else width for column, width in zip(columns, widths, strict=True)]
    shown = list(range(len(columns)))
    while sum(least[at] + BETWEEN for at in shown) > wide and (spare := [at for at in shown if columns[at].spare]):
        shown.remove(max(spare, key=lambda at: columns[at].spare))
    left = max(0, wide - sum(least[at] + BETWEEN for at in shown))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for at in shown:
        column, width = columns[at], least[at]
        if column.wide:
            width = min(widths[at], width + left)
            left -= width - least[at]
        table.add_column(column.name, justify=column.align, style=column.style, no_wrap=True, width=width)
    for row in rows:
        table.add_row(*(Text(row[at]) for at in shown))
    total = sum(column.width or 0 for column in table.columns) + BETWEEN * len(shown)
    console().print(table, width=max(wide, total), soft_wrap=True)


def now() -> "datetime":
    """Now, in the zone of this machine."""
    from datetime import datetime

    return datetime.now().astimezone()


def zone() -> str:
    """The name of this machine's zone in the IANA database; UTC where it cannot be told."""
    if named := os.environ.get("TZ", "").lstrip(":"):
        return named
    link = os.path.realpath("/etc/localtime")
    _, found, name = link.partition("/zoneinfo/")
    return name if found else "UTC"


def _moment(option: str, text: str | None, *, end: bool) -> "datetime | None":
    if not text:
        return None
    try:
        return moment(text, now(), end=end)
    except ValueError as error:
        fail(f"{option}: {error}", WRONG)


def _outcome(text: str | None) -> str | None:
    from mitmclaude.record.outcome import OUTCOMES

    if text and text != "failed" and text not in OUTCOMES:
        fail(f"--outcome: wanted failed or one of {', '.join(OUTCOMES)}, found {text!r}", WRONG)
    return text or None


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"wanted a value for JSON, found a {type(value).__name__}")
