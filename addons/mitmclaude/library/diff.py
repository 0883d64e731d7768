"""Two calls → what is different in what they asked: settings, system blocks, tools by name, messages.

Where the raw flows are kept the texts are compared; from records alone it is told what differs, by hashes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from mitmclaude.library.content import blocks_of, compact, kind_of, pretty, role_of, text_of
from mitmclaude.library.difference import Line, Piece, difference, matched
from mitmclaude.library.threads import tail_start
from mitmclaude.record.record import Record
from mitmclaude.request.cache import BILLING, Breakpoint, Cache, cached

SECTIONS: Final = ("settings", "system", "tools", "messages")


class Part(NamedTuple):
    """A setting, a system block, a tool or a message; parts with the same key are the same."""

    key: str
    label: str
    text: str | None
    """To be compared; None where only its hash is known."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asked, in parts."""

    settings: tuple[Part, ...]
    system: tuple[Part, ...]
    tools: tuple[Part, ...]
    messages: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One part that differs; `lines` tell how, where both texts are known or there is only one."""

    section: str
    kind: Literal["added", "removed", "edited", "moved"]
    label: str
    lines: tuple[Line, ...]
    size: tuple[int, int]
    """Characters before and after; 0 where there is none or it is not known."""


def of_body(body: Mapping[str, Any], betas: Iterable[str]) -> Asked:
    """The parts of a request's body."""
    cache = cached(body, betas).cache
    system = [block for block in _list(body.get("system")) if not _text(block).startswith(BILLING)]
    tools = [(tool.get("name") or tool.get("type") or "", tool) for tool in _list(body.get("tools"))]
    messages = body.get("messages")
    return Asked(
        settings=(*_settings(body), *_betas(betas), *_breakpoints(cache)),
        system=tuple(
            Part(key, f"system block {index}", _text(block))
            for index, (key, block) in enumerate(zip(cache.system, system, strict=False), 1)
        ),
        tools=tuple(
            Part(f"{name} {key}", str(name), _tool(tool))
            for (_, key), (name, tool) in zip(cache.tools, tools, strict=False)
        ),
        messages=tuple(
            Part(key, f"message {index}, {role_of(message)}", text_of_message(message))
            for index, (key, message) in enumerate(zip(cache.messages, messages or (), strict=False), 1)
        ),
    )


def of_record(record: Record) -> Asked:
    """The parts that a record knows: texts of the new messages alone."""
    request, cache = record.request, record.request.cache
    settings = {"model": request.model, "max_tokens": request.max_tokens, "stream": request.stream}
    plain = [Part(compact(value), name, compact(value)) for name, value in settings.items() if value is not None]
    kept = [Part(str(value), name, str(value)) for name, value in (cache.settings or {}).items() if name != "betas"]
    start = tail_start(record)
    tail = [None] * start + list(request.input or ())
    return Asked(
        settings=(*plain, *kept, *_betas(request.betas), *_breakpoints(cache)),
        system=tuple(Part(key, f"system block {index}", None) for index, key in enumerate(cache.system, 1)),
        tools=tuple(Part(f"{name} {key}", name, None) for name, key in cache.tools),
        messages=tuple(
            Part(key, f"message {index}{f', {role_of(one)}' if one else ''}", text_of_message(one) if one else None)
            for index, (key, one) in enumerate(zip(cache.messages, tail, strict=False), 1)
        ),
    )


def diff(before: Asked, after: Asked) -> list[Change]:
    """What differs, in the order of `SECTIONS`."""
    found = list(_by_name("settings", before.settings, after.settings))
    found += _in_order("system", before.system, after.system)
    found += _by_name("tools", before.tools, after.tools)
    if not any(one.section == "tools" for one in found) and before.tools != after.tools:
        found.append(Change("tools", "moved", "in another order", (), (0, 0)))
    return [*found, *_in_order("messages", before.messages, after.messages)]


def stat(changes: Iterable[Change]) -> list[tuple[str, dict[str, int]]]:
    """For each section that differs: how many parts of each kind, and the characters ``+`` and ``-``."""
    counts: dict[str, dict[str, int]] = {}
    for change in changes:
        count = counts.setdefault(change.section, {})
        count[change.kind] = count.get(change.kind, 0) + 1
        gone, new = _characters(change)
        count["+"] = count.get("+", 0) + new
        count["-"] = count.get("-", 0) + gone
    return [(section, counts[section]) for section in SECTIONS if section in counts]


def text_of_message(message: Any) -> str:
    """A message as it is compared: each block with its kind, tool inputs with line breaks."""
    return "\n".join(_text_of_block(block) for block in blocks_of(message))


def _text_of_block(block: dict[str, Any]) -> str:
    match kind_of(block):
        case "text":
            return text_of(block)
        case "tool_use" | "server_tool_use":
            return f"[{block.get('name')}]\n{pretty(block.get('input'))}"
        case kind:
            return f"[{kind}]\n{text_of(block)}"


def _characters(change: Change) -> tuple[int, int]:
    """How many are gone, and how many are new."""
    if change.kind != "edited" or not change.lines:
        return change.size
    pieces = [piece for _, line in change.lines for piece in line]
    gone, new = (sum(len(piece.text) for piece in pieces if piece.sign == sign) for sign in "-+")
    return gone, new


def _by_name(section: str, before: tuple[Part, ...], after: tuple[Part, ...]) -> Iterator[Change]:
    was, now = ({part.label: part for part in parts} for parts in (before, after))
    for name in dict.fromkeys([*was, *now]):
        one, other = was.get(name), now.get(name)
        if one is None or other is None or one.key != other.key:
            yield _change(section, one, other)


def _in_order(section: str, before: tuple[Part, ...], after: tuple[Part, ...]) -> Iterator[Change]:
    was, now = [part.key for part in before], [part.key for part in after]
    for kind, i, j, k, m in matched(was, now).get_opcodes():
        if kind == "equal":
            continue
        pairs = min(j - i, m - k)
        yield from (_change(section, before[i + n], after[k + n]) for n in range(pairs) if was[i + n] != now[k + n])
        yield from (_change(section, part, None) for part in before[i + pairs : j])
        yield from (_change(section, None, part) for part in after[k + pairs : m])


def _change(section: str, one: Part | None, other: Part | None) -> Change:
    before, after = (part.text if part else "" for part in (one, other))
    size = len(before or ""), len(after or "")
    if one and other:
        lines = difference(before, after) if before is not None and after is not None else []
        return Change(section, "edited", other.label, tuple(lines), size)
    if other:
        return Change(section, "added", other.label, tuple(_whole("+", after or "")), size)
    return Change(section, "removed", one.label if one else "", tuple(_whole("-", before or "")), size)


def _whole(sign: Literal["+", "-"], text: str) -> Iterator[Line]:
    return ((sign, (Piece(sign, line),)) for line in text.split("\n") if text)


def _settings(body: Mapping[str, Any]) -> Iterator[Part]:
    for name, value in body.items():
        if name in ("messages", "system", "tools", "cache_control"):
            continue
        for path, leaf in _leaves(name, value):
            written = leaf if isinstance(leaf, str) else compact(leaf)
            yield Part(written, path, written)


def _leaves(path: str, value: Any, depth: int = 3) -> Iterator[tuple[str, Any]]:
    """The values of an object by their path, e.g. ``output_config.effort``."""
    if isinstance(value, dict) and value and depth:
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner, depth - 1)
    else:
        yield path, value


def _betas(betas: Iterable[str]) -> Iterator[Part]:
    return (Part(beta, f"beta {beta}", "") for beta in sorted(set(betas)))


def _breakpoints(cache: Cache) -> Iterator[Part]:
    """Where the breakpoints are, as one setting; the last message is called so, as its breakpoint moves along."""
    told = ", ".join(_mark(mark, len(cache.messages)) for mark in cache.breakpoints or ())
    if told:
        yield Part(told, "breakpoints", told)


def _mark(mark: Breakpoint, messages: int) -> str:
    one = {"tools": "tool", "system": "system block", "messages": "message", "request": "request"}[mark["segment"]]
    number = f" {mark['index'] + 1}" if "index" in mark else ""
    if one == "message" and mark.get("index") == messages - 1:
        one, number = "last message", ""
    more = " ".join(filter(None, (mark.get("ttl"), mark.get("scope"))))
    return f"{one}{number}{f' ({more})' if more else ''}"


def _tool(tool: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in tool.items() if key not in ("name", "description", "cache_control")}
    return f"{tool.get('description') or ''}\n{pretty(rest)}".strip()


def _text(block: Any) -> str:
    return text_of(block) if isinstance(block, dict) else str(block)


def _list(value: Any) -> list[Any]:
    if isinstance(value, str) and value:
        return [{"type": "text", "text": value}]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
