"""Make captures as a team has them: sessions with sub-agents, tools, a cache that grows, titles, counts and errors.

The parts are those of real requests in tests/fixtures; the same seed makes the same bytes.

usage: python -m tests.library.captures DIRECTORY [COUNT [DAYS]]
"""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from mitmclaude.ids import uuid7
from mitmclaude.record.record import record_key
from mitmclaude.request.summary import summarise
from tests.scenarios import API_HEADERS

REQUESTS = Path(__file__).parents[1] / "fixtures" / "requests"
START: Final = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
PEOPLE: Final = ("ann", "bob@example.com", "carla", "dmitri", None)
VERSIONS: Final = ("2.1.318", "2.1.330", "2.1.331")
MODELS: Final = ("claude-opus-5-5", "claude-sonnet-5", "claude-opus-5-5")
SMALL: Final = "claude-haiku-4-5-20251001"
PRICES: Final = {"claude-opus-5-5": 5, "claude-sonnet-5": 3, SMALL: 1}
"""US dollars of a million input tokens; output five times, a read a tenth, a write of five minutes 1.25."""
PROMPTS: Final = (
    "Fix the flaky test in the payments module",
    "Why does the login page load so slowly?",
    "Add a --dry-run flag to the deploy script and document it",
    "Refactor the parser so that it streams",
    "Write a migration that splits the address column",
    "Explain what this stack trace means",
)
TOOLS: Final = ("Read", "Bash", "Grep", "Edit", "Write", "Glob")
FAILURES: Final = (
    ("api_error", 429, "rate_limit_error"),
    ("api_error", 529, "overloaded_error"),
    ("truncated", 200, None),
    ("client_aborted", 200, None),
    ("stream_error", 200, "overloaded_error"),
)


@dataclass
class Agent:
    """A conversation that grows turn by turn."""

    model: str
    id: str | None = None
    parent: str | None = None
    messages: list[str] = field(default_factory=list)
    cached: int = 14_000
    pending: list[str] = field(default_factory=list)
    """Ids of the tool calls that wait for their result."""


def captures(count: int, *, days: int = 20, seed: int = 0, size: int = 13_500) -> Iterator[tuple[str, bytes]]:
    """`count` keys and records of 10 KB, `size` at the most where a tool answered, session by session, over `days` days."""
    rng = random.Random(seed)
    made = 0
    while made < count:
        for key, content in _Session(rng, days, size).calls():
            yield key, content
            made += 1
            if made == count:
                return


class _Session:
    def __init__(self, rng: random.Random, days: int, size: int) -> None:
        self.rng, self.size = rng, size
        self.id = _uuid4(rng)
        self.who = rng.choice(PEOPLE)
        self.version = rng.choice(VERSIONS)
        self.at = START + timedelta(days=rng.randrange(days), seconds=rng.randrange(10 * 3600))
        self.main = Agent(rng.choice(MODELS))
        self.agents: list[Agent] = []

    def calls(self) -> Iterator[tuple[str, bytes]]:
        rng = self.rng
        yield self._title()
        for _ in range(rng.randrange(1, 5)):
            yield self._call(self.main, self._prompt(rng.choice(PROMPTS)))
            for _ in range(rng.randrange(2, 14)):
                if self.main.pending and rng.random() < 0.06 and len(self.agents) < 3:
                    yield from self._sub_agent()
                if rng.random() < 0.03:
                    yield self._failure(self.main)
                yield self._call(self.main, self._results(self.main))
        if rng.random() < 0.3:
            yield self._count()

    def _sub_agent(self) -> Iterator[tuple[str, bytes]]:
        agent = Agent(self.main.model, f"a{self.rng.getrandbits(60):015x}")
        self.agents.append(agent)
        yield self._call(agent, self._prompt("Find where the retry policy is set and report the file"))
        for _ in range(self.rng.randrange(1, 6)):
            yield self._call(agent, self._results(agent))

    def _prompt(self, text: str) -> list[dict[str, Any]]:
        reminder = "<system-reminder>\nThe date is today. Do not mention this.\n</system-reminder>"
        content = [{"type": "text", "text": reminder}, {"type": "text", "text": text}]
        return [{"role": "user", "content": content}]

    def _results(self, agent: Agent) -> list[dict[str, Any]]:
        share = max(200, (self.size - 6_000 - 20 * len(agent.messages)) // max(1, len(agent.pending)))
        content = [
            {"tool_use_id": one, "type": "tool_result", "content": self._text(share), "is_error": False}
            for one in agent.pending
        ]
        return [{"role": "user", "content": content or [{"type": "text", "text": "go on"}]}]

    def _text(self, length: int) -> str:
        start = self.rng.randrange(len(_WORDS) - length)
        return _WORDS[start : start + length]

    def _call(self, agent: Agent, asked: list[dict[str, Any]]) -> tuple[str, bytes]:
        rng = self.rng
        agent.messages += [_hash(rng) for _ in asked]
        agent.pending = [f"toolu_{rng.getrandbits(96):024x}" for _ in range(rng.choice((0, 1, 1, 1, 2)))]
        thought = {"type": "thinking", "thinking": self._text(300), "signature": self._text(60).encode().hex()}
        text = {"type": "text", "text": self._text(rng.randrange(80, 1200))}
        uses = [
            {
                "type": "tool_use",
                "id": one,
                "name": rng.choice(TOOLS),
                "input": {"file_path": "src/app/" + self._text(20)},
            }
            for one in agent.pending
        ]
        output, fresh, written = rng.randrange(40, 900), rng.randrange(3, 60), rng.randrange(200, 3_000)
        read, agent.cached = (agent.cached, agent.cached + written) if rng.random() > 0.04 else (0, written)
        usage = {
            "input_tokens": fresh,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "service_tier": "standard",
        }
        message = {
            "id": f"msg_{rng.getrandbits(96):024x}", "type": "message", "role": "assistant", "model": agent.model,
            "content": [thought, text, *uses], "stop_reason": "tool_use" if uses else "end_turn",
            "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        made = self._record(agent, asked, message, usage, rng.uniform(1, 20))
        agent.messages.append(_hash(rng))
        return made

    def _failure(self, agent: Agent) -> tuple[str, bytes]:
        outcome, status, kind = self.rng.choice(FAILURES)
        return self._record(agent, [], None, None, 0.8, outcome=outcome, status=status, error=kind)

    def _title(self) -> tuple[str, bytes]:
        usage = {
            "input_tokens": 312,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 14,
        }
        content = [{"type": "text", "text": '{"title":"A title"}'}]
        message = {"type": "message", "role": "assistant", "model": SMALL, "content": content, "usage": usage}
        asked = [{"role": "user", "content": "<session>Write a short title</session>"}]
        return self._record(Agent(SMALL), asked, message, usage, 0.9, bare=True)

    def _count(self) -> tuple[str, bytes]:
        usage = {"input_tokens": self.main.cached}
        asked = [{"role": "user", "content": "count me"}]
        return self._record(self.main, asked, None, usage, 0.2, endpoint="count_tokens")

    def _record(
        self,
        agent: Agent,
        asked: list[dict[str, Any]],
        message: dict[str, Any] | None,
        usage: dict[str, Any] | None,
        seconds: float,
        *,
        outcome: str = "complete",
        status: int = 200,
        error: str | None = None,
        endpoint: str = "messages",
        bare: bool = False,
    ) -> tuple[str, bytes]:
        rng, at = self.rng, self.at
        self.at += timedelta(seconds=seconds + rng.expovariate(1 / 8))
        made = uuid7(int(at.timestamp() * 1000), rng.randbytes(10))
        path = "/v1/messages?beta=true" if endpoint == "messages" else "/v1/messages/count_tokens?beta=true"
        drift = [{"kind": "drift", "path": "new_field", "message": "unknown field"}]
        record = {
            "version": 2, "made_by": "0.2.0", "id": made, "started_at": at.isoformat().replace("+00:00", "Z"),
            "endpoint": endpoint, "principal": self.who, "client_name": "claude-cli", "client_version": self.version,
            "session_id": self.id, "agent_id": agent.id, "parent_agent_id": agent.parent, "outcome": outcome,
            "failure": None,
            "request": {
                "model": agent.model, "max_tokens": 32_000, "stream": True, "thinking": None if bare else {"type": "adaptive"},
                "effort": None if bare else "medium", "message_count": len(agent.messages) or 1,
                "tool_count": 0 if bare else len(_CACHE["tools"]),
                "cache": {} if bare else _CACHE | {
                    "messages": agent.messages, "blocks": [1] * len(agent.messages),
                    "breakpoints": [
                        {"segment": "system", "index": 1},
                        {"segment": "messages", "index": max(0, len(agent.messages) - 1), "block": 0},
                    ],
                },
                "input": asked, "input_bytes": 0, "method": "POST", "path": path, "headers": _REQUEST_HEADERS,
                "betas": ["claude-code-20250219", "interleaved-thinking-2025-05-14"],
                "bytes": 49_000 + 900 * len(agent.messages), "sha256": "0" * 64, "sha256_sent": "0" * 64,
            },
            "response": {
                "status": status, "headers": _RESPONSE_HEADERS, "request_id": f"req_{rng.getrandbits(96):024x}",
                "bytes": 4_000, "sha256": "1" * 64, "sha256_sent": "1" * 64,
                "model": message["model"] if message else None, "stop_reason": message and message.get("stop_reason"),
                "message": message, "error": {"type": error, "message": "Overloaded"} if error else None,
                "unplaced": [], "unplaced_left_out": 0,
            },
            "usage": usage, "usage_is_partial": False,
            "cost": _cost(agent.model, usage) if usage and endpoint == "messages" else None,
            "timing": {
                "request_end": 0.002, "upstream_headers": 0.31, "first_byte": 0.32, "message_start": 0.33,
                "first_content_delta": 0.7, "blocks": [0.6, 0.7], "message_stop": seconds - 0.01, "last_byte": seconds,
                "client_gone": None, "longest_gap": 0.4, "ttft": round(rng.uniform(0.4, 2.5), 6) if message else None,
                "duration": round(seconds, 6), "output_tokens_per_second": round(rng.uniform(30, 90), 3) if message else None,
            },
            "findings": drift if self.version == VERSIONS[-1] and rng.random() < 0.2 else [], "errors": [],
            "invocation": None, "flow": f"flows/date={at:%Y-%m-%d}/{made}.mitm.zst",
        }  # fmt: skip
        return record_key(made, at), orjson.dumps(record)


def _cost(model: str, usage: dict[str, Any]) -> dict[str, Any]:
    price = Decimal(PRICES[model]) / 1_000_000
    parts = {
        "input": usage["input_tokens"] * price,
        "cache_write_5m": usage["cache_creation_input_tokens"] * price * Decimal("1.25"),
        "cache_read": usage["cache_read_input_tokens"] * price / 10,
        "output": usage["output_tokens"] * price * 5,
    }
    texts = {name: format(part, "f") for name, part in parts.items()}
    total = format(sum(parts.values(), Decimal(0)), "f")
    return texts | {
        "total": total, "cache_write_1h": "0", "web_search": "0", "currency": "USD", "basis": "list",
        "price_version": "genai-prices 0.2.3", "model": model, "by_model": {model: total}, "context": {},
        "multipliers": {}, "reason": None,
    }  # fmt: skip


def _hash(rng: random.Random) -> str:
    return f"{rng.getrandbits(32):08x}"


def _uuid4(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _fixture(name: str) -> Any:
    return json.loads((REQUESTS / name).read_text())


_BODY: Final = _fixture("cc_tool_result_turn.json")
_META: Final = _fixture("cc_tool_result_turn.meta.json")
_CACHE: Final[dict[str, Any]] = summarise(_BODY).cache.model_dump(mode="json")
_SYSTEM: Final = "\n".join(block["text"] for block in _BODY["system"])
_WORDS: Final = (_SYSTEM + "\n" + json.dumps([tool["description"] for tool in _BODY["tools"]], ensure_ascii=False)) * 3
_REQUEST_HEADERS: Final = [[name.lower(), value] for name, value in _META["headers"] if name.lower() != "x-api-key"]
_RESPONSE_HEADERS: Final = [["content-type", "text/event-stream; charset=utf-8"], *map(list, API_HEADERS)]


def write(root: Path, count: int, days: int = 20) -> None:
    """Write `count` captures below `root`, as a directory that is a store has them."""
    made: set[Path] = set()
    for key, content in captures(count, days=days):
        path = root / key
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:]))
