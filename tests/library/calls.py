"""Calls as Claude Code makes them, answered by the model of the cache, as records."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from mitmclaude.exchange import Body, Exchange, Marks, Request, Response
from mitmclaude.ids import uuid7
from mitmclaude.record import build
from mitmclaude.record.record import Record
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session
from mitmclaude.request.summary import summarise
from tests.library.model import PromptCache

Json = dict[str, Any]
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SESSION = "16a12cbc-7cfc-4762-81db-599793e31975"
AGENT = {"agent_id": None, "parent_agent_id": None}


def text(said: str) -> Json:
    return {"type": "text", "text": said}


def user(*blocks: Json | str) -> Json:
    return {"role": "user", "content": [text(one) if isinstance(one, str) else one for one in blocks]}


def said(*blocks: Json | str) -> Json:
    return {"role": "assistant", "content": [text(one) if isinstance(one, str) else one for one in blocks]}


def tool(name: str, words: int = 60) -> Json:
    schema = {"type": "object", "properties": {"input": {"type": "string"}}}
    return {"name": name, "description": f"{name} " + "does what it is for. " * words, "input_schema": schema}


def use(name: str, number: int, **given: Any) -> Json:
    return {"type": "tool_use", "id": f"toolu_{number:04}", "name": name, "input": given}


def result(number: int, output: str) -> Json:
    return {"type": "tool_result", "tool_use_id": f"toolu_{number:04}", "content": output}


def body_of(messages: Sequence[Json], *, ttl: str | None = None, **more: Any) -> Json:
    """A request with the breakpoints of Claude Code: on the system prompt, and on the last block of all."""
    mark = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
    body = {
        "model": "claude-opus-5",
        "messages": deepcopy(list(messages)),
        "system": [
            text("x-anthropic-billing-header: cc_version=2.1.330;"),
            text("You are Claude Code.") | {"cache_control": mark},
            text("Be brief. Ask before you delete. " * 80) | {"cache_control": mark},
        ],
        "tools": [tool("Bash"), tool("Edit"), tool("Read")],
        "max_tokens": 32000,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "medium"},
        "stream": True,
        **more,
    }
    last = body["messages"][-1]
    if isinstance(last["content"], str):
        last["content"] = [text(last["content"])]
    last["content"][-1]["cache_control"] = mark
    return body


def record_of(
    body: Json, usage: Json | None, answer: Sequence[Json], seconds: float, *, number: int = 0, first_byte: float = 1.0,
    session: Session | None = None, status: int = 200, error: Json | None = None, **message: Any,
) -> Record:  # fmt: skip
    """The record of a call that began `seconds` after `AT`, made by the code that makes it in the proxy."""
    at = AT + timedelta(seconds=seconds)
    made = uuid7(int(at.timestamp() * 1000), number.to_bytes(10, "big"))
    whole: Json = {
        "id": f"msg_{number:04}", "type": "message", "role": "assistant", "model": body["model"],
        "content": list(answer), "stop_reason": "end_turn", "usage": usage, **message,
    }  # fmt: skip
    content = orjson.dumps({"type": "error", "error": error} if error else whole)
    written = orjson.dumps(body)
    request = Request(
        "POST", "/v1/messages?beta=true", ((b"user-agent", b"claude-cli/2.1.330 (external, cli)"),),
        Body(written, len(written), "0" * 64, "0" * 64),
    )  # fmt: skip
    response = Response(
        status, ((b"content-type", b"application/json"),), Body(content, len(content), "0" * 64, "0" * 64)
    )
    marks = Marks(request_end=0.01, first_byte=first_byte, last_byte=first_byte + 2, end=first_byte + 2)
    exchange = Exchange(made, at, "messages", request, response, "answered", marks)
    return build.record(exchange, summarise(body), session or Session(SESSION), "redacted", Redactor())


class Talk:
    """An agent that talks: each call is answered by the cache's model and kept as a record."""

    def __init__(self, cache: PromptCache | None = None, session: Session | None = None, start: float = 0.0) -> None:
        self.cache = cache or PromptCache()
        self.session = session
        self.now = start
        self.messages: list[Json] = []
        self.records: list[Record] = []
        self.settings: Json = {}
        self.number = 0

    def call(
        self, *new: Json, answer: Sequence[Json] = (), wait: float = 20.0, first_byte: float = 1.0, **more: Any
    ) -> Record:
        """The next call, with new messages; its answer becomes part of the history."""
        self.now += wait
        self.messages += new
        body = body_of(self.messages, **self.settings, **more)
        usage = self.cache.call(body, self.now, first_byte)
        return self._keep(body, usage, answer or (text(f"done {self.number}"),), first_byte)

    def _keep(self, body: Json, usage: Json, answer: Sequence[Json], first_byte: float) -> Record:
        self.number += 1
        made = record_of(body, usage, answer, self.now, number=self.number, first_byte=first_byte, session=self.session)
        self.records.append(made)
        self.messages.append({"role": "assistant", "content": list(answer)})
        return made

    def round(self, size: int = 1, words: int = 30, **more: Any) -> Record:
        """A call that brings the results of `size` tool calls, after one that asked for them."""
        start = self.number * 100
        self.messages[-1]["content"] = [use("Read", start + i, input=f"file {start + i}") for i in range(size)]
        return self.call(user(*(result(start + i, f"line {start + i} " * words) for i in range(size))), **more)
