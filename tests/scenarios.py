"""What the local upstream of the tests answers when all is well: request in, `Answer` out; and what answers are made of.

What goes wrong is in `tests.misbehaviour`, and the table of both.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

RESPONSES = Path(__file__).parent / "fixtures" / "responses"
MODEL = "claude-opus-5-5"
INPUT_USAGE = {"input_tokens": 25, "cache_creation_input_tokens": 1200, "cache_read_input_tokens": 9000}
SSE_TYPE = ("content-type", "text/event-stream; charset=utf-8")
JSON_TYPE = ("content-type", "application/json")
# In the API's own order and spelling; the date is fixed so that two answers to one request are equal bytes.
API_HEADERS = (
    ("date", "Sun, 22 Nov 2026 12:00:00 GMT"),
    ("connection", "keep-alive"),
    ("anthropic-ratelimit-requests-limit", "4000"),
    ("anthropic-ratelimit-requests-remaining", "3999"),
    ("anthropic-ratelimit-requests-reset", "2026-11-22T12:00:01Z"),
    ("anthropic-ratelimit-input-tokens-limit", "400000"),
    ("anthropic-ratelimit-input-tokens-remaining", "399000"),
    ("anthropic-organization-id", "11111111-2222-4333-8444-555555555555"),
    ("server", "cloudflare"),
    ("cf-cache-status", "DYNAMIC"),
)

Json = dict[str, Any]
Piece = bytes | Callable[[], bytes]


class Ask(Protocol):
    """The part of a received request that a scenario looks at."""

    @property
    def body(self) -> bytes: ...
    @property
    def payload(self) -> Json: ...
    @property
    def streams(self) -> bool: ...
    @property
    def target(self) -> str: ...
    def header(self, name: str) -> str: ...


@dataclass(frozen=True)
class Answer:
    """One answer: its head, the pieces of its body (one write and one chunk each), its pace and how it ends."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = (JSON_TYPE,)
    pieces: Sequence[Piece] = ()  # a callable is asked for its bytes at the moment of sending
    framing: Literal["length", "chunked", "close", "none"] = "length"
    missing: int = 0  # bytes that Content-Length promises and that never come
    wait: float = 0  # seconds before the head
    every: float = 0  # seconds between two pieces, on a fixed grid
    lockstep: bool = False  # each piece waits for one `Upstream.step()`
    end: Literal["clean", "fin", "rst", "hang"] = "clean"  # fin and rst: cut without a terminator
    silent: bool = False  # not even a head


def frame(event: Json, *, eol: str = "\n") -> bytes:
    """One event as SSE bytes, in the API's spelling."""
    return f"event: {event['type']}{eol}data: {compact(event)}{eol}{eol}".encode()


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def message(content: list[Json], *, stop_reason: str = "end_turn", output_tokens: int = 12) -> Json:
    """A whole Message; its id follows from its content, so that equal answers are equal bytes."""
    digest = hashlib.sha256(compact(content).encode()).hexdigest()[:20]
    usage = {
        **INPUT_USAGE,
        "output_tokens": output_tokens,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }
    start = {"model": MODEL, "id": f"msg_01Fake{digest}", "type": "message", "role": "assistant"}
    return {**start, "content": content, "stop_reason": stop_reason, "stop_sequence": None, "usage": usage}


def pieces_of(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


def deltas_of(block: Json, size: int) -> tuple[Json, list[Json]]:
    """A content block as it starts, and the deltas that complete it."""
    match block["type"]:
        case "text":
            return {**block, "text": ""}, [{"type": "text_delta", "text": t} for t in pieces_of(block["text"], size)]
        case "tool_use":
            parts = pieces_of(compact(block["input"]), size)
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": p} for p in parts]
        case "thinking":
            said = [{"type": "thinking_delta", "thinking": t} for t in pieces_of(block["thinking"], size)]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*said, signed]
        case _:
            return block, []


def events_of(whole: Json, *, size: int = 8) -> list[Json]:
    """The stream events that fold to this Message, in deltas of `size` characters."""
    usage = {**whole["usage"], "output_tokens": 1}
    start = {**whole, "content": [], "stop_reason": None, "usage": usage}
    events: list[Json] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(whole["content"]):
        opened, deltas = deltas_of(block, size)
        events.append({"type": "content_block_start", "index": index, "content_block": opened})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
        if index == 0:
            events.insert(2, {"type": "ping"})
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    count = {**INPUT_USAGE, "output_tokens": whole["usage"]["output_tokens"]}
    return [*events, {"type": "message_delta", "delta": end, "usage": count}, {"type": "message_stop"}]


def sse(pieces: Sequence[Piece], **change: Any) -> Answer:
    head = (SSE_TYPE, ("cache-control", "no-cache"))
    return Answer(**{"headers": head, "pieces": pieces, "framing": "chunked", **change})


def whole_json(value: object, **change: Any) -> Answer:
    return Answer(**{"pieces": (compact(value).encode(),), **change})


def say(ask: Ask, content: list[Json], *, stop_reason: str = "end_turn", size: int = 8) -> Answer:
    """This content as a stream or as JSON, whichever the request asks for."""
    whole = message(content, stop_reason=stop_reason)
    return sse([frame(e) for e in events_of(whole, size=size)]) if ask.streams else whole_json(whole)


def error(status: int, kind: str, text: str, **change: Any) -> Answer:
    body = {"type": "error", "error": {"type": kind, "message": text}, "request_id": f"req_011Fake{status}"}
    return whole_json(body, status=status, **change)


@cache
def fixture(name: str) -> bytes:
    return (RESPONSES / name).read_bytes()


@cache
def split_events(stream: bytes) -> tuple[bytes, ...]:
    """A stream cut behind each blank line; joined again it is the same bytes."""
    return tuple(part for part in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", stream) if part)


def verbatim(name: str) -> Answer:
    if name.endswith(".sse"):
        return sse(split_events(fixture(name)))
    status = re.search(r"_(\d{3})\b", name)
    return Answer(status=int(status[1]) if status else 200, pieces=(fixture(name),))


def text(ask: Ask) -> Answer:
    """The fixture `text.sse`, or `message.json` when the request does not stream."""
    return verbatim("text.sse" if ask.streams else "message.json")


def text_tool_use(ask: Ask, tool: str = "Bash", **arguments: Any) -> Answer:
    """A tool round: asks for `tool` first, and ends the turn once a tool result has come back."""
    last = ask.payload["messages"][-1 if ask.payload["messages"][-1]["role"] != "system" else -2]["content"]
    back = [b for b in last if b["type"] == "tool_result"] if isinstance(last, list) else []
    if back:
        return say(ask, [{"type": "text", "text": "The tool answered. [TOOL-OK]"}])
    call = {"type": "tool_use", "id": "toolu_01Fake0123456789abcdef", "name": tool, "input": arguments}
    return say(ask, [{"type": "text", "text": "I will use a tool."}, call], stop_reason="tool_use")


def thinking(ask: Ask) -> Answer:
    thought = {"type": "thinking", "thinking": "Let me think about é, 漢字 and 🙂.", "signature": "c2lnbmF0dXJl" * 20}
    return say(ask, [thought, {"type": "text", "text": "Thought through: é 漢字 🙂. [THINK-OK]"}], size=3)


def count_tokens(ask: Ask, tokens: int = 1234) -> Answer:
    return whole_json({"input_tokens": tokens})


def models(ask: Ask) -> Answer:
    one = {"type": "model", "id": MODEL, "display_name": "Claude Opus 5.5", "created_at": "2026-10-01T00:00:00Z"}
    return whole_json({"data": [one], "has_more": False, "first_id": MODEL, "last_id": MODEL})


def hello(ask: Ask) -> Answer:
    return whole_json({})


def not_found(ask: Ask) -> Answer:
    return error(404, "not_found_error", f"Not found: {ask.target.partition('?')[0]}")
