"""A small model of the API's prompt cache, by its published rules: what each call reads, writes and pays for.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

import hashlib
import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

LIVES = {"5m": 300.0, "1h": 3600.0}
LEAST = 512  # Opus 5
BILLING = "x-anthropic-billing-header:"

Json = dict[str, Any]


@dataclass
class Entry:
    """A beginning of a prompt in the cache."""

    readable: float
    expires: float
    lives: float


@dataclass
class Position:
    """A block of the prompt: the hash of all up to it, the tokens up to it, and its breakpoint."""

    beginning: str
    tokens: int
    ttl: str | None


@dataclass
class PromptCache:
    """The cache of one workspace. Tokens are a quarter of the characters."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def copy(self) -> "PromptCache":
        return deepcopy(self)

    def call(self, body: Json, at: float, first_byte: float = 1.0) -> Json:
        """The usage of a call that begins at `at` and whose answer begins `first_byte` seconds later."""
        positions = positions_of(body)
        total = positions[-1].tokens if positions else 0
        marks = [i for i, one in enumerate(positions) if one.ttl]
        read_at = self._read(positions, marks, at)
        read = positions[read_at].tokens if read_at is not None else 0
        short = hour = 0
        done = read
        for i in marks:
            one = positions[i]
            if one.tokens <= done or one.tokens < LEAST:
                continue
            lives = LIVES[one.ttl or "5m"]
            if one.ttl == "1h":
                hour += one.tokens - done
            else:
                short += one.tokens - done
            done = one.tokens
            self.entries[one.beginning] = Entry(at + first_byte, at + lives, lives)
        return {
            "input_tokens": total - done,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": short + hour,
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": hour},
            "output_tokens": 20,
            "service_tier": "standard",
        }

    def _read(self, positions: list[Position], marks: list[int], at: float) -> int | None:
        """Where the longest readable beginning ends: looked for in 20 positions from each breakpoint back."""
        for mark in reversed(marks):
            for i in range(mark, max(-1, mark - 20), -1):
                entry = self.entries.get(positions[i].beginning)
                if entry and entry.readable <= at < entry.expires:
                    entry.expires = at + entry.lives
                    return i
        return None


def positions_of(body: Json) -> list[Position]:
    """The blocks of a prompt in the order of the cache: tools, system, messages."""
    settings = {key: body.get(key) for key in ("tool_choice", "thinking", "output_config")}
    images = '"type": "image"' in json.dumps(body["messages"])
    searches = any(str(tool.get("type", "")).startswith("web_search") for tool in body.get("tools", ()))
    found: list[Position] = []
    running, tokens = hashlib.sha256(json.dumps(body["model"]).encode()), 0
    parts: list[tuple[Any, Any]] = [(None, tool) for tool in body.get("tools", ()) if not tool.get("defer_loading")]
    parts += [
        ((body.get("speed"), searches), block)
        for block in body.get("system", ())
        if not block["text"].startswith(BILLING)
    ]
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        parts += [((settings, images, message["role"]), block) for block in blocks]
    before: Any = None
    for key, block in parts:
        plain = {name: value for name, value in block.items() if name != "cache_control"}
        if key is not None and key != before:
            running.update(json.dumps(key).encode())
        before = key
        running.update(written := json.dumps(plain).encode())
        tokens += len(written) // 4
        control = block.get("cache_control")
        found.append(Position(running.hexdigest(), tokens, control and control.get("ttl", "5m")))
    return found
