"""What the local upstream of the tests answers: one function a scenario, request in, `Answer` out.

`build("paced", ask, events=5)` and the header form `x-scenario: paced?events=5` are the same thing. The file name of a
fixture (`crlf.sse`) is a scenario too and is sent byte for byte, whatever was asked for; without its suffix (`crlf`,
where no scenario has that name) only to a request that streams, and `message.json` to any other.
"""

import gzip
import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import zstandard

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


def error_400(ask: Ask) -> Answer:
    return verbatim("error_400.json")


def error_429(ask: Ask, retry_after: int = 1) -> Answer:
    return replace(verbatim("error_429.json"), headers=(JSON_TYPE, ("retry-after", str(retry_after))))


def error_500(ask: Ask) -> Answer:
    return error(500, "api_error", "Internal server error")


def error_529(ask: Ask) -> Answer:
    return replace(verbatim("error_529.json"), headers=(JSON_TYPE, ("x-should-retry", "true")))


def html_502(ask: Ask) -> Answer:
    page = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>cloudflare</body>\r\n</html>\r\n"
    return Answer(502, (("content-type", "text/html"),), (page,))


def cut(ask: Ask, how: Literal["rst", "fin"] = "rst", after: int = 5) -> Answer:
    """`after` events of a good stream, then the connection goes without a terminating chunk."""
    return sse(split_events(fixture("text.sse"))[:after], end=how)


def cut_json(ask: Ask, how: Literal["rst", "fin"] = "fin") -> Answer:
    """Half of a JSON answer that promised its whole length."""
    body = fixture("message.json")
    return Answer(pieces=(body[:200],), missing=len(body) - 200, end=how)


def cut_before_headers(ask: Ask, how: Literal["rst", "fin"] = "fin") -> Answer:
    return Answer(silent=True, end=how)


def hang(ask: Ask) -> Answer:
    """Nothing at all until the client gives up."""
    return Answer(silent=True, end="hang")


def hang_mid_stream(ask: Ask, after: int = 5) -> Answer:
    """`after` events, then silence until the client gives up."""
    return sse(split_events(fixture("text.sse"))[:after], end="hang")


def no_message_stop(ask: Ask) -> Answer:
    """A clean end of the body, with the last event missing."""
    return sse(split_events(fixture("text.sse"))[:-1])


def paced(ask: Ask, events: int = 20, delay: float = 0.02, wait: float = 0) -> Answer:
    """A whole stream of about `events` text deltas, one event every `delay` seconds."""
    whole = message([{"type": "text", "text": "0123456789" * events}], output_tokens=events)
    return sse([frame(e) for e in events_of(whole, size=10)], every=delay, wait=wait)


def lockstep(ask: Ask) -> Answer:
    """`text.sse`, each event only after the test has called `step()`."""
    return sse(split_events(fixture("text.sse")), lockstep=True)


def lockstep_json(ask: Ask, framing: Literal["length", "chunked"] = "length") -> Answer:
    body = fixture("message.json")
    parts = [body[at : at + 100] for at in range(0, len(body), 100)]
    return Answer(pieces=parts, framing=framing, lockstep=True)


def paced_json(ask: Ask, delay: float = 0.02) -> Answer:
    return replace(lockstep_json(ask), lockstep=False, every=delay)


def stamped(ask: Ask, events: int = 100, delay: float = 0.01) -> Answer:
    """For the bench: text deltas that carry the monotonic nanosecond at which each was sent."""

    def now() -> bytes:
        delta = {"type": "text_delta", "text": f"t={time.monotonic_ns()}"}
        return frame({"type": "content_block_delta", "index": 0, "delta": delta})

    frames = [frame(e) for e in events_of(message([{"type": "text", "text": "x"}]))]
    return sse([*frames[:3], *[now] * events, *frames[-3:]], every=delay)


@cache
def compressed(coding: str, parts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The parts compressed as one body, flushed behind each part, so that each can be read on arrival."""
    if coding == "gzip":
        deflate = zlib.compressobj(wbits=31)
        out = [deflate.compress(part) + deflate.flush(zlib.Z_SYNC_FLUSH) for part in parts]
        return (*out, deflate.flush())
    zstd = zstandard.ZstdCompressor().compressobj()
    out = [zstd.compress(part) + zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for part in parts]
    return (*out, zstd.flush())


def encoded(ask: Ask, coding: Literal["gzip", "zstd"] = "gzip", step: bool = False) -> Answer:
    """The `text` answer, compressed when the request's Accept-Encoding allows it."""
    plain = text(ask)
    if coding not in ask.header("accept-encoding"):
        return plain
    parts = tuple(p for p in plain.pieces if isinstance(p, bytes))
    return replace(
        plain, headers=(*plain.headers, ("content-encoding", coding)), pieces=compressed(coding, parts), lockstep=step
    )


def sse_with_length(ask: Ask) -> Answer:
    return replace(verbatim("text.sse"), framing="length")


def sse_until_close(ask: Ask) -> Answer:
    """No length and no chunks: the end of the connection is the end of the body."""
    return replace(verbatim("text.sse"), framing="close", headers=(SSE_TYPE, ("connection", "close")))


def odd_boundaries(ask: Ask) -> Answer:
    """A stream with multi-byte text in chunks of 1, 2, 3, 5, 7, 11 bytes, cut inside characters and line ends."""
    body = b"".join(p for p in sse([frame(e, eol="\r\n") for e in thinking_events()]).pieces if isinstance(p, bytes))
    parts: list[bytes] = []
    at, sizes = 0, (1, 2, 3, 5, 7, 11)
    while at < len(body):
        size = sizes[len(parts) % len(sizes)]
        parts.append(body[at : at + size])
        at += size
    return sse(parts)


def thinking_events() -> list[Json]:
    return events_of(message([{"type": "text", "text": "é 漢字 🙂 done"}]), size=2)


def comments_and_unknown(ask: Ask) -> Answer:
    """A good stream with comments, `id:` and `retry:` lines, an unknown event and extra blank lines in it."""
    good = split_events(fixture("text.sse"))
    odd = (b": a comment\n\n", b"id: 7\nretry: 100\n\n", frame({"type": "future_event", "value": 1}), b"\n\n")
    return sse([good[0], *odd, *good[1:]])


def duplicate_headers(ask: Ask) -> Answer:
    names = (("Set-Cookie", "a=1; Path=/"), ("X-oDD-Case", "1"), ("set-cookie", "b=2; Path=/"), ("x-last", "z"))
    return whole_json({"ok": True}, headers=(*names, JSON_TYPE))


def status_204(ask: Ask) -> Answer:
    return Answer(204, (), framing="none")


def status_304(ask: Ask) -> Answer:
    return Answer(304, (("etag", '"x"'),), framing="none")


def empty(ask: Ask) -> Answer:
    return Answer()


def trailing_blanks(ask: Ask) -> Answer:
    return Answer(pieces=(fixture("message.json") + b"\n \t \r\n  ",))


@cache
def _huge(megabytes: int) -> tuple[bytes, ...]:
    return (compact(message([{"type": "text", "text": "lorem ipsum " * (megabytes * 1_000_000 // 12)}])).encode(),)


def huge_json(ask: Ask, megabytes: int = 20) -> Answer:
    return Answer(pieces=_huge(megabytes))


@cache
def _tool_json(characters: int, size: int) -> tuple[bytes, ...]:
    call = {"type": "tool_use", "id": "toolu_01FakeBig", "name": "Write", "input": {"content": "x" * characters}}
    return tuple(frame(e) for e in events_of(message([call], stop_reason="tool_use"), size=size))


def big_tool_json(ask: Ask, characters: int = 1_000_000, size: int = 20) -> Answer:
    """One tool call whose arguments come in very many very small deltas."""
    return sse(_tool_json(characters, size))


def gzip_request_echo(ask: Ask) -> Answer:
    """The decoded request body's length and hash: shows what the upstream got."""
    body = gzip.decompress(ask.body) if ask.header("content-encoding") == "gzip" else ask.body
    return whole_json({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()})


SCENARIOS: dict[str, Callable[..., Answer]] = {
    made.__name__: made
    for made in (
        text, text_tool_use, thinking, count_tokens, models, hello, not_found, error_400, error_429, error_500,
        error_529, html_502, cut, cut_json, cut_before_headers, hang, hang_mid_stream, no_message_stop, paced,
        lockstep, lockstep_json, paced_json, stamped, encoded, sse_with_length, sse_until_close, odd_boundaries,
        comments_and_unknown, duplicate_headers, status_204, status_304, empty, trailing_blanks, huge_json,
        big_tool_json, gzip_request_echo,
    )
}  # fmt: skip


def build(name: str, ask: Ask, **params: Any) -> Answer:
    """The answer of a scenario, by its name or by a fixture's; KeyError for a name that is neither."""
    if made := SCENARIOS.get(name):
        return made(ask, **params)
    if (RESPONSES / name).is_file():
        return verbatim(name)
    for file in (f"{name}.sse", f"{name}.json"):
        if (RESPONSES / file).is_file():
            return verbatim(file if ask.streams or file.endswith(".json") else "message.json")
    raise KeyError(f"no scenario and no fixture named {name!r}")
