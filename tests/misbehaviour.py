"""What the local upstream of the tests answers when it is slow, odd or broken, and the table of all scenarios.

`build("paced", ask, events=5)` and the header form `x-scenario: paced?events=5` are the same thing. The file name of a
fixture (`crlf.sse`) is a scenario too and is sent byte for byte, whatever was asked for; without its suffix (`crlf`,
where no scenario has that name) only to a request that streams, and `message.json` to any other.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import zstandard

from tests.agents import agent_session
from tests.scenarios import (
    JSON_TYPE,
    RESPONSES,
    SSE_TYPE,
    Answer,
    Ask,
    compact,
    count_tokens,
    error,
    events_of,
    fixture,
    frame,
    hello,
    message,
    models,
    not_found,
    split_events,
    sse,
    text,
    text_tool_use,
    thinking,
    verbatim,
    whole_json,
)  # fmt: skip


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
    spoken = message([{"type": "text", "text": "é 漢字 🙂 done"}])
    body = b"".join(frame(event, eol="\r\n") for event in events_of(spoken, size=2))
    parts: list[bytes] = []
    at, sizes = 0, (1, 2, 3, 5, 7, 11)
    while at < len(body):
        size = sizes[len(parts) % len(sizes)]
        parts.append(body[at : at + size])
        at += size
    return sse(parts)


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


SCENARIOS: dict[str, Callable[..., Answer]] = {
    made.__name__: made
    for made in (
        text, text_tool_use, thinking, count_tokens, models, hello, not_found, error_400, error_429, error_500,
        error_529, html_502, cut, cut_json, cut_before_headers, hang, hang_mid_stream, no_message_stop, paced,
        lockstep, lockstep_json, paced_json, encoded, sse_with_length, sse_until_close, odd_boundaries,
        comments_and_unknown, duplicate_headers, status_204, status_304, empty, trailing_blanks, huge_json,
        big_tool_json, agent_session,
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
