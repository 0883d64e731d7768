"""Messages as they are in records → their content blocks, and what a person calls them."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from mitmclaude.request.cache import encoded

REMINDER: Final = re.compile(r"<system-reminder>.*?(?:</system-reminder>\s*|\Z)", re.DOTALL)
"""What Claude Code adds to what its user wrote. https://code.claude.com/docs"""

type Block = dict[str, Any]


def role_of(message: Any) -> str:
    """``user``, ``assistant``, ``system``, or whatever it has; empty where there is none."""
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else ""


def blocks_of(message: Any) -> list[Block]:
    """The content blocks of a message; a content that is a text is one block."""
    return _blocks(message.get("content")) if isinstance(message, dict) else []


def result_blocks(block: Block) -> list[Block]:
    """The blocks within a tool result."""
    return _blocks(block.get("content"))


def kind_of(block: Block) -> str:
    """The type of a block."""
    kind = block.get("type")
    return kind if isinstance(kind, str) else "unknown"


def text_of(block: Block) -> str:
    """What a block has to read: text and thinking as they are, of a tool result its texts, of all else JSON."""
    match kind_of(block):
        case "text" | "thinking" as kind:
            text = block.get(kind)
            return text if isinstance(text, str) else ""
        case "tool_result":
            return "\n".join(text_of(inner) for inner in result_blocks(block))
        case "tool_use" | "server_tool_use":
            return compact(block.get("input"))
        case "image" | "document" as kind:
            return f"[{kind}, {size_of_source(block)}]"
        case "redacted_thinking":
            return "[thinking that only the API can read]"
        case _:
            return compact({key: value for key, value in block.items() if key not in ("type", "cache_control")})


def size_of_source(block: Block) -> str:
    """The media type and the size of an image or a document, e.g. ``image/png 12 KB``."""
    source = block.get("source")
    source = source if isinstance(source, dict) else {}
    encoded = source.get("data")
    kind = str(source.get("media_type") or source.get("type") or "unknown")[:40]
    return f"{kind} {size(len(encoded) * 3 // 4)}" if isinstance(encoded, str) else kind


def without_reminders(text: str) -> tuple[str, int]:
    """`text` as its writer wrote it, and how many reminders of Claude Code were left out."""
    kept, count = REMINDER.subn("", text)
    return kept.strip(), count


def prompt_of(messages: Any) -> str:
    """The first text that a person may have written: not a reminder, not a tool's result; empty where there is none."""
    for message in messages if isinstance(messages, list) else []:
        if role_of(message) == "user":
            for text in _written(message):
                return text
    return ""


def size(count: int) -> str:
    """Bytes for people, e.g. ``980 B``, ``12 KB``, ``1.4 MB``."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def compact(value: Any) -> str:
    """JSON in one line."""
    return encoded(value).decode()


def pretty(value: Any) -> str:
    """JSON with line breaks; in one line where it is nested very deep."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONEncodeError:
        return compact(value)


def _written(message: Any) -> Iterator[str]:
    for block in blocks_of(message):
        if kind_of(block) == "text" and (text := without_reminders(text_of(block))[0]):
            yield text


def _blocks(content: Any) -> list[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
