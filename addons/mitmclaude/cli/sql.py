"""`mitmclaude sql`: a question in SQL over the calls, which can neither change nor reach anything else."""

import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mitmclaude.cli import asking
from mitmclaude.cli.asking import Column, JsonOption
from mitmclaude.cli.opened import DEFAULT_STORE, WRONG, StoreOption, fail, printable

if TYPE_CHECKING:
    from mitmclaude.library.library import Answer, Library

LONGEST: Final = 60
"""Characters of a cell in a table on a terminal."""

PROMPT: Final = "sql> "


def sql(
    statement: Annotated[str, typer.Argument(metavar="[STATEMENT]", help="One SELECT; without one, a prompt.")] = "",
    store: StoreOption = DEFAULT_STORE,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with all digits.")] = False,
    json: JsonOption = False,
) -> None:
    """Ask in SQL, as DuckDB speaks it: https://duckdb.org/docs/sql/introduction.

    It reads three views and nothing else: no file, no network, no setting can be reached.

    \b
    calls     one row a call: id, started_at, session_id, agent_id, principal, model, outcome, input_tokens,
              cache_read_input_tokens, output_tokens, cost_usd, ttft, duration, …; all by: DESCRIBE calls
    contents  id, prompt, answer, tool as texts; input, message as JSON, as in the record
    findings  id, kind, path, message: violations and drift
    \b
    Examples:
      mitmclaude sql "select model, sum(cost_usd) from calls group by model"
      mitmclaude sql "select message->>'$.stop_reason' as why, count(*) from contents group by why" --json
      mitmclaude sql        a prompt; Ctrl-D ends it
    """
    library = asking.library_of(store)
    with asking.asking():
        if statement:
            try:
                _print(library.ask(statement), csv, json)
            except ValueError as error:
                fail(printable(str(error)), WRONG)
        else:
            _prompt(library, csv, json)


def _prompt(library: "Library", csv: bool, json: bool) -> None:
    library.ask("select 1")  # what is to be read is read before the first question
    if sys.stdin.isatty():
        import readline  # noqa: F401  gives the prompt its history

        typer.echo("views: calls, contents, findings; DESCRIBE calls lists its columns; Ctrl-D ends", err=True)
    while True:
        try:
            asked = input(PROMPT if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if asked.lower().rstrip(";") in ("exit", "quit"):
            return
        if asked:
            try:
                _print(library.ask(asked), csv, json)
            except ValueError as error:
                typer.echo(printable(str(error)), err=True)


def _print(answer: "Answer", csv: bool, json: bool) -> None:
    if json:
        rows = [dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows]
        asking.print_json("rows", rows)
    elif csv:
        asking.print_csv(answer.columns, answer.rows)
    else:
        columns = [
            Column(name, "right" if _is_number(answer.rows, at) else "left") for at, name in enumerate(answer.columns)
        ]
        asking.print_table(columns, [[_cell(value) for value in row] for row in answer.rows])


def _is_number(rows: Sequence[Sequence[Any]], at: int) -> bool:
    return any(isinstance(row[at], int | float | Decimal) and not isinstance(row[at], bool) for row in rows[:50])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = asking.text_of(value)
    line = " ".join(text.split()) if "\n" in text else text
    return line[: LONGEST - 1] + "…" if asking.is_terminal() and len(line) > LONGEST else line


def _plain(value: Any) -> Any:
    """A value of DuckDB as JSON has it."""
    if value is None or isinstance(value, bool | str | Decimal | date | datetime):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)
