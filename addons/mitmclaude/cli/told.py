"""Messages → what is printed of them for people: who said it, its blocks, long ones cut."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from mitmclaude.cli.asking import is_terminal
from mitmclaude.library.content import blocks_of, compact, kind_of, result_blocks, role_of, text_of, without_reminders

MOST_LINES: Final = 40
MOST_OF_A_RESULT: Final = 12
MOST_CHARACTERS: Final = 4000
SHORT: Final = 80
"""Characters of a tool's input that stand in one line."""

ROLES: Final = {"user": "bold green", "assistant": "bold cyan", "system": "bold yellow"}


def clean(text: str) -> str:
    """`text` without what a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text.expandtabs())


def heading(console: Console, title: str, more: str = "") -> None:
    """A line that begins a part."""
    console.print()
    console.print(Text.assemble((title, "bold"), ("  " + more if more else "", "dim")))


def indented(text: Text | str, by: int = 2, style: str = "") -> RenderableType:
    """`text` with blanks before each line, also where a terminal breaks it."""
    shown = text if isinstance(text, Text) else Text(clean(text), style)
    if is_terminal():
        return Padding(shown, (0, 0, 0, by), expand=False)
    lines = shown.split("\n", allow_blank=True)
    return Text("\n").join(Text(" " * by).append_text(line) if line.plain else line for line in lines)


def blocks(
    message: Mapping[str, Any], full: bool, names: Mapping[str, str] | None = None, by: int = 2
) -> Iterator[RenderableType]:
    """The blocks of a message; `names` are those of tools by the id of a call.

    Without `full` long ones are cut, and what the client adds on its own is only counted.
    """
    if role_of(message) == "system" and not full:
        yield _client(message, by)
        return
    for block in blocks_of(message):
        match kind_of(block):
            case "text":
                yield from _text(text_of(block), full, by)
            case "thinking":
                text = text_of(block) or "(thinking that the API did not show)"
                yield indented(Text.assemble(("thinking: ", "dim"), (_cut(text, MOST_LINES, full), "italic dim")), by)
            case "tool_use" | "server_tool_use":
                yield from _call(block, full, by)
            case "tool_result":
                yield from _result(block, full, names or {}, by)
            case kind:
                yield indented(Text(f"[{clean(kind)}] {_cut(text_of(block), MOST_OF_A_RESULT, full)}", "dim"), by)


def _client(message: Mapping[str, Any], by: int) -> RenderableType:
    """What the client tells the model between the turns: its first line, and how long it is."""
    text = "\n".join(text_of(block) for block in blocks_of(message)).strip()
    first = next(iter(text.splitlines()), "").strip("# ")[:60]
    more = f"{first} … " if len(text) > len(first) + 4 else f"{text} "
    return indented(f"{more if text else ''}[{len(text):,} characters of the client]", by, "dim")


def names_of(content: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The names of the tools that are called, by the id of the call."""
    calls = (block for block in content if kind_of(block) == "tool_use")
    return {str(block.get("id")): str(block.get("name")) for block in calls}


def _text(text: str, full: bool, by: int) -> Iterator[RenderableType]:
    kept, reminders = (text, 0) if full else without_reminders(text)
    if kept:
        yield indented(_cut(kept, MOST_LINES, full), by)
    if reminders:
        what = "a reminder" if reminders == 1 else f"{reminders} reminders"
        yield indented(f"[{what} of the client, {len(text) - len(kept):,} characters]", by, "dim")


def _call(block: dict[str, Any], full: bool, by: int) -> Iterator[RenderableType]:
    given = block.get("input")
    fields = given if isinstance(given, dict) else {"input": given}
    texts = {str(key): value if isinstance(value, str) else compact(value) for key, value in fields.items()}
    line = ", ".join(f"{key}: {value}" for key, value in texts.items())
    head = Text.assemble(("→ ", "magenta"), (clean(str(block.get("name"))), "bold magenta"))
    if len(line) <= SHORT and "\n" not in line:
        yield indented(head.append(f"  {clean(line)}"), by)
        return
    yield indented(head, by)
    for key, value in texts.items():
        if len(value) <= SHORT and "\n" not in value:
            yield indented(Text.assemble((f"{clean(key)}: ", "dim"), clean(value)), by + 4)
        else:
            yield indented(f"{key}:", by + 4, "dim")
            yield indented(_cut(value, MOST_LINES, full), by + 6)


def _result(block: dict[str, Any], full: bool, names: Mapping[str, str], by: int) -> Iterator[RenderableType]:
    name = names.get(str(block.get("tool_use_id")), "result")
    is_error = block.get("is_error") is True
    text = "\n".join(text_of(inner) for inner in result_blocks(block))
    colour = "red" if is_error else "blue"
    head = Text.assemble(("← ", colour), (clean(name), colour), ("  failed" if is_error else "", "bold red"))
    if len(text) <= SHORT and "\n" not in text:
        yield indented(head.append(f"  {clean(text)}"), by)
        return
    yield indented(head, by)
    yield indented(_cut(text, MOST_OF_A_RESULT, full), by + 4)


def _cut(text: str, most: int, full: bool) -> str:
    """The beginning of a long text, with how much is left out."""
    shown = text.rstrip("\n")
    lines = shown.split("\n")
    if full or (len(lines) <= most and len(shown) <= MOST_CHARACTERS):
        return clean(shown)
    kept = "\n".join(lines[:most])[:MOST_CHARACTERS]
    return f"{clean(kept)}\n… {len(shown) - len(kept):,} more characters (--full shows all)"
