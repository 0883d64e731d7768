"""The new messages of a request → what a person asked in them, as a title."""

import re
from collections.abc import Iterator
from typing import Any, Final

LONGEST: Final = 200
"""Characters of a title."""

_ADDED: Final = re.compile(
    r"<(system-reminder|local-command-caveat|local-command-stdout|local-command-stderr|command-message)>.*?(?:</\1>|\Z)",
    re.DOTALL,
)
"""What Claude Code adds to a prompt: https://code.claude.com/docs/en/how-claude-code-works"""

_COMMAND: Final = re.compile(r"<command-name>(.*?)</command-name>(?:\s*<command-args>(.*?)</command-args>)?", re.DOTALL)


def title(messages: Any) -> str | None:
    """The first prompt of a person in `messages`, in one line, without what the client adds; None without one."""
    for text in _texts(messages):
        plain = (
            " ".join(_COMMAND.sub(r"\1 \2", _ADDED.sub(" ", text[:20_000])).split()) if "<" in text else text.strip()
        )
        if plain:
            line = " ".join(plain[: 2 * LONGEST].split())
            shown = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
            return shown if shown.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in shown)
    return None


def _texts(messages: Any) -> Iterator[str]:
    """The texts that the user wrote, in order."""
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict) or message.get("role") != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            yield content
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and isinstance(text := block.get("text"), str):
                yield text
