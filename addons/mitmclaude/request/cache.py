"""Reduce a request body to what its prompt cache depends on: hashes in the order of the prompt, breakpoints, settings.

The API caches a prompt from its beginning up to a breakpoint, in the order tools, system, messages, and finds it again
where every byte is the same: https://platform.claude.com/docs/en/build-with-claude/prompt-caching. Two requests of a
session are compared by these values to tell where the second one left the prefix of the first.

Breakpoints are left out of the hashes: they move along with the conversation while the content they mark stays.
"""

import json
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, Required, TypedDict, cast

import orjson
from pydantic import BaseModel, ConfigDict

HASH_BYTES: Final = 6
"""A hash is 8 characters: the first 6 bytes of the SHA-256 of compact JSON, as base64url. Short, as a record has one
for each message; long enough that no two of the messages of a session share one."""

MOST: Final = 100_000
"""Messages and tools that are hashed; the API takes no more messages than that."""

MOST_BREAKPOINTS: Final = 16
"""The API takes 4."""

LONGEST: Final = 128
"""Characters of a tool's name; of a longer one, which the API does not take, the hash is kept."""

LONGEST_SETTING: Final = 32
"""Characters of a setting that is kept as it is; of a longer one the hash is kept."""

BILLING: Final = "x-anthropic-billing-header:"
"""How a system block begins that Claude Code changes with every request, and that the API leaves out of the prompt."""

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


type Segment = Literal["tools", "system", "messages", "request"]


class Breakpoint(TypedDict, total=False):
    """Where a request has `cache_control`."""

    segment: Required[Segment]
    """``request``: at the top of the body, where the API takes it for the last block that can be cached."""
    index: int
    """Of the tool, system block or message, as counted in the lists of `Cache`."""
    block: int
    """Of the content block in the message."""
    ttl: str
    """As sent; without one it is 5 minutes."""
    scope: str
    """As sent, e.g. ``global``."""


class Settings(TypedDict, total=False):
    """What belongs to the key of the cache besides the content; absent where the request does not set it.

    A short text stands as it is, as does the `type` of an object that has nothing else; of all else there is a hash.
    """

    tool_choice: str
    thinking: str
    effort: str
    output_format: str
    context_management: str
    betas: str
    """Hash of the sorted names in the anthropic-beta headers."""
    speed: str
    images: bool
    """Whether a message has an image."""
    citations: bool
    """Whether a message has a document with citations on."""
    web_search: bool
    """Whether there is a web search tool."""


class Cache(BaseModel):
    """The parts of a prompt in order.

    Hashes of 8 characters are comparable with one another; those of records of version 1 have 16 and are of another
    kind.
    """

    model_config = ConfigDict(frozen=True)

    system: tuple[str, ...] = ()
    """Hash of each system block but the billing line, which is not counted."""
    tools: tuple[tuple[str, str | None], ...] = ()
    """Name and hash of each tool; no hash where the tool is deferred, and so no part of the prompt."""
    messages: tuple[str, ...] = ()
    """Hash of each message; a content that is a text counts as the list of one text block that it stands for."""
    blocks: tuple[int | None, ...] = ()
    """Number of content blocks of each message; null for a content that is a text."""
    breakpoints: tuple[Breakpoint, ...] | None = None
    """In the order of the prompt; null where they are not known."""
    settings: Settings | None = None
    """Null where they are not known."""


class Cached(NamedTuple):
    """The cache of a body, and the bytes that it was made from."""

    cache: Cache
    messages: list[bytes]
    """Compact JSON of each message, without breakpoints."""


def cached(body: Mapping[str, Any], betas: Iterable[str] = ()) -> Cached:
    """The cache of a parsed request body of any shape; `betas` are those of its headers. Each part is written once."""
    found: list[Breakpoint] = []
    tools = tuple(_tools(items(body.get("tools")), found))
    system = tuple(_system(body.get("system"), found))
    messages = items(body.get("messages"))[:MOST]
    blocks: list[int | None] = []
    written: list[bytes] = []
    for index, message in enumerate(messages):
        unmarked, count = _message(message, index, found)
        blocks.append(count)
        written.append(encoded(unmarked))
    _add({"segment": "request"}, body.get("cache_control"), found)
    cache = Cache.model_construct(
        system=system,
        tools=tools,
        messages=tuple(map(hashed, written)),
        blocks=tuple(blocks),
        breakpoints=tuple(found),
        settings=_settings(body, betas, messages),
    )
    return Cached(cache, written)


def encoded(value: Any) -> bytes:
    """Compact JSON, keys in the order they came in."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # nested deeper than orjson writes, though not than it reads
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def hashed(written: bytes) -> str:
    """The hash of `written`, 8 characters."""
    digest = sha256(written, usedforsecurity=False).digest()[:HASH_BYTES]
    return b2a_base64(digest, newline=False).translate(_URL_SAFE).decode()


def items(value: Any) -> list[Any]:
    """`value` if it is a list, else nothing."""
    return value if isinstance(value, list) else []


def _tools(tools: list[Any], found: list[Breakpoint]) -> Iterator[tuple[str, str | None]]:
    for index, tool in enumerate(tools[:MOST]):
        plain = _unmarked(tool, found, "tools", index)
        fields = tool if isinstance(tool, dict) else {}
        name = next((fields[key] for key in ("name", "type") if isinstance(fields.get(key), str)), "")
        yield _kept(name, LONGEST), None if fields.get("defer_loading") is True else hashed(encoded(plain))


def _system(system: Any, found: list[Breakpoint]) -> Iterator[str]:
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) and system else items(system)
    index = 0
    for block in blocks[:MOST]:
        text = block.get("text") if isinstance(block, dict) else None
        if not isinstance(text, str) or not text.startswith(BILLING):
            yield hashed(encoded(_unmarked(block, found, "system", index)))
            index += 1


def _message(message: Any, index: int, found: list[Breakpoint]) -> tuple[Any, int | None]:
    """The message without its breakpoints, and its number of blocks."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return {**message, "content": [{"type": "text", "text": content}]}, None
    if not isinstance(content, list):
        return message, 0
    if any(map(_is_marked, content)):
        unmarked = [_unmarked_block(block, index, number, found) for number, block in enumerate(content)]
        return {**message, "content": unmarked}, len(content)
    return message, len(content)


def _is_marked(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    return "cache_control" in block or any(isinstance(one, dict) and "cache_control" in one for one in _inner(block))


def _inner(block: dict[str, Any]) -> list[Any]:
    """The blocks within a tool result."""
    return items(block.get("content")) if block.get("type") == "tool_result" else []


def _unmarked_block(block: Any, index: int, number: int, found: list[Breakpoint]) -> Any:
    if not _is_marked(block):
        return block
    if inner := _inner(block):
        block = {**block, "content": [_unmarked(one, found, "messages", index, number) for one in inner]}
    return _unmarked(block, found, "messages", index, number)


def _unmarked(part: Any, found: list[Breakpoint], segment: Segment, index: int, block: int | None = None) -> Any:
    """`part` without its breakpoint, which is added to `found`."""
    if not isinstance(part, dict) or "cache_control" not in part:
        return part
    mark: Breakpoint = {"segment": segment, "index": index}
    if block is not None:
        mark["block"] = block
    _add(mark, part["cache_control"], found)
    return {key: value for key, value in part.items() if key != "cache_control"}


def _add(mark: Breakpoint, control: Any, found: list[Breakpoint]) -> None:
    if not isinstance(control, dict) or len(found) == MOST_BREAKPOINTS:  # a null marks nothing
        return
    if isinstance(ttl := control.get("ttl"), str):
        mark["ttl"] = _kept(ttl, LONGEST_SETTING)
    if isinstance(scope := control.get("scope"), str):
        mark["scope"] = _kept(scope, LONGEST_SETTING)
    found.append(mark)


def _settings(body: Mapping[str, Any], betas: Iterable[str], messages: list[Any]) -> Settings:
    config = body.get("output_config")
    config = config if isinstance(config, dict) else {}
    values = {
        "tool_choice": body.get("tool_choice"),
        "thinking": body.get("thinking"),
        "effort": config.get("effort"),
        "output_format": config.get("format", body.get("output_format")),
        "context_management": body.get("context_management"),
        "betas": sorted(betas) or None,
        "speed": body.get("speed"),
    }
    flags = {
        "images": any(block.get("type") == "image" for block in _all_blocks(messages)),
        "citations": any("citations" in block and _cites(block) for block in _all_blocks(messages)),
        "web_search": any(_is_web_search(tool) for tool in items(body.get("tools"))[:MOST]),
    }
    texts = {name: _setting(value) for name, value in values.items() if value is not None}
    return cast(Settings, texts | {name: True for name, is_on in flags.items() if is_on})


def _setting(value: Any) -> str:
    if isinstance(value, dict) and len(value) == 1:
        value = value.get("type", value)
    return _kept(value, LONGEST_SETTING)


def _kept(value: Any, longest: int) -> str:
    """A short text as it is, of all else the hash: half a text might be half a secret."""
    return value if isinstance(value, str) and len(value) <= longest else hashed(encoded(value))


def _all_blocks(messages: list[Any]) -> Iterator[dict[str, Any]]:
    """The content blocks of the messages, and those within tool results."""
    for message in messages:
        for block in items(message.get("content")) if isinstance(message, dict) else ():
            if isinstance(block, dict):
                yield block
                if block.get("type") == "tool_result":
                    yield from (inner for inner in items(block.get("content")) if isinstance(inner, dict))


def _cites(block: dict[str, Any]) -> bool:
    citations = block.get("citations")
    return isinstance(citations, dict) and citations.get("enabled") is True


def _is_web_search(tool: Any) -> bool:
    kind = tool.get("type") if isinstance(tool, dict) else None
    return isinstance(kind, str) and kind.startswith("web_search")
