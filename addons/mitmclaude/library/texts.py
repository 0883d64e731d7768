"""The new messages of a request and the answer → the texts that one searches: prompt, answer, tools."""

from collections.abc import Iterator
from typing import Any, Final

WHERE: Final = ("prompt", "answer", "tool")
"""What a person or the client wrote; what the model said and thought; what tools were given and gave."""

_BETWEEN: Final = "\n\n"


def texts(asked: Any, message: Any) -> tuple[str | None, str | None, str | None]:
    """The texts of `WHERE`, each piece a paragraph; None where there is none."""
    prompt: list[str] = []
    answer: list[str] = []
    tool: list[str] = []
    for one in asked if isinstance(asked, list) else ():
        content = one.get("content") if isinstance(one, dict) else None
        if isinstance(content, str):
            prompt.append(content)
        elif isinstance(content, list):
            _sort(content, prompt, tool)
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        _sort(content, answer, tool)
    return _joined(prompt), _joined(answer), _joined(tool)


def _sort(blocks: list[Any], said: list[str], tool: list[str]) -> None:
    for block in blocks:
        if not isinstance(block, dict):
            continue
        if isinstance(text := block.get("text"), str) or isinstance(text := block.get("thinking"), str):
            said.append(text)
        elif "input" in block:
            tool += [str(block.get("name", "")), *_leaves(block["input"])]
        elif "tool_use_id" in block:
            tool += _leaves(block.get("content"))


def _leaves(value: Any) -> Iterator[str]:
    """The texts in a value, but for images and their like."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in ("data", "type", "media_type", "encrypted_content"):
                yield from _leaves(item)


def _joined(pieces: list[str]) -> str | None:
    return _BETWEEN.join(pieces) or None
