"""A request's body and its count of tokens → what fills the model's window, by part.

The API counts a prompt only as a whole; each part gets its share of that by its length, so parts are estimates.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from mitmclaude.library.content import (
    REMINDER,
    blocks_of,
    compact,
    kind_of,
    result_blocks,
    role_of,
    text_of,
)
from mitmclaude.request.cache import BILLING

CHARACTERS_A_TOKEN: Final = 4
"""Where the API has not counted."""

IMAGE: Final = 1500
"""Tokens of an image of some size: width times height by 750, up to about 1,600.
https://platform.claude.com/docs/en/build-with-claude/vision"""

type Group = str
"""``system``, ``tools``, ``messages``, ``results``."""


class Filled(NamedTuple):
    """A part of the prompt."""

    group: Group
    name: str
    items: int
    """Blocks, tools or results."""
    tokens: int


class Again(NamedTuple):
    """A file whose content is in the prompt more than once."""

    path: str
    times: int
    tokens: int
    """Of all but the first time."""


@dataclass(frozen=True, slots=True)
class Context:
    """What fills the window."""

    total: int
    """Tokens of the prompt, as the API counted them, else estimated."""
    is_counted: bool
    window: int | None
    """Tokens that the model takes; None where that is not known."""
    parts: tuple[Filled, ...]
    """In the order of the groups, the largest of a group first."""
    again: tuple[Again, ...]

    def of(self, group: Group) -> int:
        """The tokens of a group."""
        return sum(part.tokens for part in self.parts if part.group == group)


GROUPS: Final = ("system", "tools", "messages", "results", "rest")


class _Measured(NamedTuple):
    """A part before it has a count of tokens; `fixed` tokens do not depend on its length."""

    group: Group
    name: str
    length: int
    fixed: int = 0
    path: str | None = None


def context(body: Mapping[str, Any], counted: int | None, window: int | None, has_rest: bool = False) -> Context:
    """What fills the window of a request; `counted` are its tokens, None if unknown.

    With `has_rest` the body has only messages: then what they do not explain is the group ``rest``.
    """
    measured = [*_system(body.get("system")), *_tools(body.get("tools")), *_messages(body.get("messages"))]
    length, fixed = sum(one.length for one in measured), sum(one.fixed for one in measured)
    scale = 1 / CHARACTERS_A_TOKEN
    if counted is not None and length and not has_rest:
        scale = max(0, counted - fixed) / length
    tokens = [one.fixed + one.length * scale for one in measured]
    total = round(sum(tokens)) if counted is None else counted
    parts = [*_grouped(measured, tokens)]
    if has_rest and counted is not None and (rest := counted - sum(part.tokens for part in parts)) > 0:
        parts.append(Filled("rest", "system prompt and tools, together", 1, rest))
    parts.sort(key=lambda part: (GROUPS.index(part.group), -part.tokens))
    return Context(total, counted is not None, window, tuple(parts), tuple(_again(measured, tokens)))


def _grouped(measured: Iterable[_Measured], tokens: Iterable[float]) -> Iterator[Filled]:
    counts: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], float] = {}
    for one, share in zip(measured, tokens, strict=True):
        key = one.group, one.name
        counts[key] += 1
        sums[key] = sums.get(key, 0) + share
    return (Filled(*key, counts[key], round(total)) for key, total in sums.items())


def _again(measured: Iterable[_Measured], tokens: Iterable[float]) -> Iterator[Again]:
    """Files that were read more than once, the costliest first."""
    reads: dict[str, list[float]] = {}
    for one, share in zip(measured, tokens, strict=True):
        if one.path:
            reads.setdefault(one.path, []).append(share)
    found = [Again(path, len(all_), round(sum(all_[1:]))) for path, all_ in reads.items() if len(all_) > 1]
    return iter(sorted(found, key=lambda again: -again.tokens))


def _system(system: Any) -> Iterator[_Measured]:
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system
    index = 0
    for block in blocks if isinstance(blocks, list) else ():
        text = text_of(block) if isinstance(block, dict) else ""
        if text.startswith(BILLING):
            yield _Measured("system", "billing line", len(text))
        elif text:
            index += 1
            yield _Measured("system", f"block {index}: {_first_words(text)}", len(text))


def _tools(tools: Any) -> Iterator[_Measured]:
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("defer_loading") is not True:
            plain = {key: value for key, value in tool.items() if key != "cache_control"}
            yield _Measured("tools", str(tool.get("name") or tool.get("type") or "?"), len(compact(plain)))


def _messages(messages: Any) -> Iterator[_Measured]:
    calls: dict[str, tuple[str, str | None]] = {}
    for message in messages if isinstance(messages, list) else ():
        role = role_of(message)
        for block in blocks_of(message):
            if kind_of(block) == "tool_use" and isinstance(block.get("id"), str):
                calls[block["id"]] = str(block.get("name")), _path(block.get("input"))
            yield from _block(role, block, calls)


def _block(role: str, block: dict[str, Any], calls: Mapping[str, tuple[str, str | None]]) -> Iterator[_Measured]:
    match kind_of(block):
        case "text" if role == "user":
            text = text_of(block)
            reminders = sum(len(found) for found in REMINDER.findall(text))
            if reminders:
                yield _Measured("messages", "reminders of the client", reminders)
            if len(text) > reminders:
                yield _Measured("messages", "user text", len(text) - reminders)
        case "text":
            name = "reminders of the client" if role == "system" else f"{role or 'other'} text"
            yield _Measured("messages", name, len(text_of(block)))
        case "thinking" | "redacted_thinking":
            seen = block.get("thinking") or block.get("data") or block.get("signature")
            yield _Measured("messages", "thinking", len(seen) if isinstance(seen, str) else 0)
        case "tool_use":
            yield _Measured("messages", "tool calls", len(text_of(block)) + len(str(block.get("name"))))
        case "tool_result":
            name, path = calls.get(str(block.get("tool_use_id")), ("unknown tool", None))
            inner = result_blocks(block)
            length = sum(len(text_of(one)) for one in inner if kind_of(one) != "image")
            images = sum(kind_of(one) == "image" for one in inner)
            yield _Measured("results", name, length, images * IMAGE, path)
        case "image":
            yield _Measured("messages", "images", 0, IMAGE)
        case kind:
            yield _Measured("messages", kind, len(compact(block)))


def _path(given: Any) -> str | None:
    """The file that a tool was to read, whole: of a part of one, which others may follow, there is none."""
    if not isinstance(given, dict) or given.get("offset") or given.get("limit"):
        return None
    path = given.get("file_path")
    return path if isinstance(path, str) and not {"old_string", "content", "edits"} & given.keys() else None


def _first_words(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 30 else flat[:29] + "…"
