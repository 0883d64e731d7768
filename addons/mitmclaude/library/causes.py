"""Two calls of one history → why the second one did not read what the first one left in the cache.

The rules: https://platform.claude.com/docs/en/build-with-claude/prompt-caching. What a request has first is looked at
first, as it decides over all that follows it: model, tools, system, settings, messages. Where the prompts are the same,
time and breakpoints are looked at.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, NamedTuple

from mitmclaude.library.content import prompt_of
from mitmclaude.record.record import Record
from mitmclaude.request.cache import Breakpoint

type Certainty = Literal["certain", "likely", "unknown"]

LOOKBACK: Final = 20
"""Positions that the API looks at from a breakpoint back, the breakpoint being the first."""

TTL: Final = {"5m": 300.0, "1h": 3600.0}

LEAST: Final = (
    (re.compile(r"claude-(opus|fable|mythos)-5(-\d{8})?$"), 512),
    (re.compile(r"claude-(opus-4-8|sonnet-5(-\d{8})?$|sonnet-4-[56]|opus-4-1|opus-4$|opus-4-0)"), 1024),
    (re.compile(r"claude-(opus-4-7|mythos-preview|3-5-haiku)"), 2048),
    (re.compile(r"claude-(opus-4-[56]|haiku-4-5)"), 4096),
)
"""Tokens below which the API caches nothing, by model; of others it is not published."""

LEAST_UNKNOWN: Final = 4096

CONTINUED: Final = "This session is being continued from a previous conversation"
"""How Claude Code begins a history that it made shorter."""

STRIPS_THINKING: Final = re.compile(r"claude-(3|.*haiku|opus-4(-[01])?(-\d{8})?$|sonnet-4(-[05])?(-\d{8})?$)")
"""Models before Opus 4.5 and Sonnet 4.6, and each Haiku: a user's text drops the thinking before it."""

_OF_TOOLS_AND_SYSTEM: Final = ("web_search", "citations")
_OF_MESSAGES: Final = ("tool_choice", "images", "thinking", "effort")
_PERHAPS: Final = ("output_format", "context_management", "betas")
_BY_MODEL: Final = ("thinking", "effort")
_API: Final = {
    "model_changed": "model",
    "tools_changed": "tools",
    "system_changed": "system",
    "messages_changed": "messages",
}


class Why(NamedTuple):
    """A cause by name, how sure it is, and one sentence without a full stop."""

    cause: str
    certainty: Certainty
    detail: str


class Pair(NamedTuple):
    """The earlier call, the later one, and how many messages they share from the beginning."""

    before: Record
    after: Record
    shared: int
    known: dict[str, Any]
    """Messages by their hash, as far as records hold them."""


def why(pair: Pair) -> Why:
    """The first cause in the order of the prompt, then of time."""
    for look in _LOOKS:
        if (found := look(pair)) is not None:
            return found
    return Why("unknown", "unknown", "prompt, settings and time leave no cause")


def is_same_key(one: Record, other: Record) -> bool:
    """Whether model, tools, system and settings are the same, so that only the messages decide."""
    pair = Pair(one, other, 0, {})
    return all(look(pair) is None for look in (_workspace, _model, _tools, _speed, _flags, _system, _settings))


def breakpoints_of(call: Record) -> list[tuple[int, Breakpoint]]:
    """The breakpoints on messages, each with its position: how many blocks of messages stand before it."""
    starts = _starts(call)
    found = []
    for mark in call.request.cache.breakpoints or ():
        index = mark.get("index", len(starts) - 2)
        if mark["segment"] == "request":
            found.append((starts[-1] - 1, mark))
        elif mark["segment"] == "messages" and index < len(starts) - 1:
            found.append((starts[index] + mark.get("block", 0), mark))
    return sorted(found, key=lambda one: one[0])


def too_short(call: Record) -> str:
    """What to say where a prompt may be too short to be cached; empty where it is not."""
    tokens = (call.usage and call.usage.total_input_tokens) or 0
    model = call.request.model or ""
    least = next((count for pattern, count in LEAST if pattern.search(model)), None)
    if tokens >= (least or LEAST_UNKNOWN):
        return ""
    return (
        f"{tokens:,} tokens; {model or 'the model'} caches from {least:,} on"
        if least
        else f"perhaps: {tokens:,} tokens"
    )


def _starts(call: Record) -> list[int]:
    """The position of the first block of each message, and of what would follow."""
    found = [0]
    for count in call.request.cache.blocks or (1,) * len(call.request.cache.messages):
        found.append(found[-1] + (1 if count is None else count))
    return found


def _not_requested(pair: Pair) -> Why | None:
    if pair.after.request.cache.breakpoints == ():
        return Why("not_requested", "certain", "the call has no breakpoint, so it asks for no cache")
    return None


def _too_short(pair: Pair) -> Why | None:
    usage = pair.after.usage
    if usage and not usage.cache_read_input_tokens and not usage.cache_write_tokens and (said := too_short(pair.after)):
        return Why("too_short", "likely", said)
    return None


def _api_said(pair: Pair) -> Why | None:
    reason = _reason(pair.after)
    if (kind := reason.get("type")) is None:
        return None
    if (cause := _API.get(str(kind))) is None:
        return Why("api_said", "certain", f"the API says {str(kind)[:60]}")
    look = {"model": _model, "tools": _tools, "system": _system, "messages": _messages}[cause]
    own = look(pair)
    return Why(cause, "certain", f"{own.detail}; the API says so too" if own else f"the API says {kind}")


def _reason(call: Record) -> dict[str, Any]:
    """The API's own answer, of its beta ``cache-diagnosis-2026-04-07``."""
    message = (call.response.message if call.response else None) or {}
    diagnostics = message.get("diagnostics")
    reason = diagnostics.get("cache_miss_reason") if isinstance(diagnostics, dict) else None
    return reason if isinstance(reason, dict) else {}


def _workspace(pair: Pair) -> Why | None:
    for name in ("anthropic-organization-id", "anthropic-workspace-id"):
        before, after = (_header(call, name) for call in (pair.before, pair.after))
        if before and after and before != after:
            return Why("workspace", "certain", f"another {name.split('-')[1]}, which has a cache of its own")
    return None


def _header(call: Record, name: str) -> str | None:
    headers = call.response.headers if call.response else ()
    return next((value for key, value in headers if key.lower() == name), None)


def _model(pair: Pair) -> Why | None:
    before, after = pair.before.request.model, pair.after.request.model
    return Why("model", "certain", f"{before} → {after}") if before != after else None


def _tools(pair: Pair) -> Why | None:
    before, after = ([tool for tool in call.request.cache.tools if tool[1]] for call in (pair.before, pair.after))
    if before == after:
        return None
    was, now = dict(before), dict(after)
    changes = {
        "added": [name for name in now if name not in was],
        "removed": [name for name in was if name not in now],
        "edited": [name for name in now if name in was and was[name] != now[name]],
    }
    told = [f"{word}: {_names(names)}" for word, names in changes.items() if names]
    return Why("tools", "certain", "tools " + ("; ".join(told) or "in another order"))


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _speed(pair: Pair) -> Why | None:
    if (found := _setting(pair, "speed", "certain")) is not None:
        return found
    before, after = (call.usage.speed if call.usage else None for call in (pair.before, pair.after))
    return Why("speed", "certain", f"answered at {after} speed, before at {before}") if before != after else None


def _flags(pair: Pair) -> Why | None:
    return _first(_setting(pair, name, "certain") for name in _OF_TOOLS_AND_SYSTEM)


def _system(pair: Pair) -> Why | None:
    before, after = pair.before.request.cache.system, pair.after.request.cache.system
    if before == after or not pair.before.request.cache.settings:  # version 1 has none of it
        return None
    index = next((i for i, (was, now) in enumerate(zip(before, after, strict=False)) if was != now), None)
    if index is None:
        what = "added" if len(after) > len(before) else "removed"
        return Why("system", "certain", f"system block {min(len(before), len(after)) + 1} {what}")
    return Why("system", "certain", f"system block {index + 1} of {len(before)} edited")


def _settings(pair: Pair) -> Why | None:
    return _first(_setting(pair, name, "likely" if name in _BY_MODEL else "certain") for name in _OF_MESSAGES)


def _other_settings(pair: Pair) -> Why | None:
    return _first(_setting(pair, name, "likely") for name in _PERHAPS)


def _setting(pair: Pair, name: str, certainty: Certainty) -> Why | None:
    before, after = pair.before.request.cache.settings, pair.after.request.cache.settings
    if before is None or after is None or before.get(name) == after.get(name):
        return None
    was, now = (str(settings.get(name, "not set")) for settings in (before, after))
    told = f": {was} → {now}" if {was, now} & {"not set", "True"} or len(was) != 8 or len(now) != 8 else " changed"
    cause = name if name in (*_OF_TOOLS_AND_SYSTEM, "speed") else "settings"
    return Why(cause, certainty, f"{name}{told}")


def _messages(pair: Pair) -> Why | None:
    before, after, at = pair.before.request.cache.messages, pair.after.request.cache.messages, pair.shared
    if at == len(before):
        return None
    if at == 0 and prompt_of(pair.after.request.input).startswith(CONTINUED):
        return Why("compaction", "certain", "Claude Code replaced the history by a summary")
    old = before[at]
    is_last = at == len(before) - 1
    what = "edited"
    if at + 1 < len(before) and at < len(after) and before[at + 1] == after[at]:
        what = "removed"
    elif at + 1 < len(after) and after[at + 1] == old:
        what = "inserted"
    elif is_last and old not in after and _role(pair, old) == "system" and _is_marked(pair.before, at):
        return Why("trailing_system", "certain", f"the system message at the end, message {at + 1}, is gone")
    was = "" if what == "inserted" else _quoted(pair, old)
    return Why("messages", "certain", f"message {at + 1} of {len(before)} {what}{was}")


def _role(pair: Pair, message: str) -> str:
    known = pair.known.get(message)
    return str(known.get("role", "")) if isinstance(known, dict) else ""


def _quoted(pair: Pair, message: str) -> str:
    known = pair.known.get(message)
    if not isinstance(known, dict):
        return ""
    text = " ".join(prompt_of([known]).split())
    told = f" “{text[:40]}{'…' * (len(text) > 40)}”" if text else ""
    return f"; it was of the {known.get('role', 'client')}{told}"


def _is_marked(call: Record, index: int) -> bool:
    marks = call.request.cache.breakpoints or ()
    return any(mark["segment"] == "messages" and mark.get("index") == index for mark in marks)


def _context_edit(pair: Pair) -> Why | None:
    for call in (pair.after, pair.before):
        message = (call.response.message if call.response else None) or {}
        managed = message.get("context_management")
        edits = managed.get("applied_edits") if isinstance(managed, dict) else None
        if isinstance(edits, list) and edits:
            kinds = sorted({str(edit.get("type"))[:40] for edit in edits if isinstance(edit, dict)})
            return Why("context_edit", "likely", f"the API edited the history: {', '.join(kinds)}")
        if call.usage and any(one.type == "compaction" for one in call.usage.iterations or ()):
            return Why("compaction", "likely", "the API replaced the history by a summary")
    return None


def _ttl(pair: Pair) -> Why | None:
    gap = (pair.after.started_at - pair.before.started_at).total_seconds()
    name = lifetime(pair.before)
    if gap < TTL[name]:
        return None
    return Why(
        "ttl",
        "likely",
        f"{duration(gap)} since the call before; its cache lives {name.replace('m', ' min').replace('h', ' h')}",
    )


def lifetime(call: Record) -> str:
    """How long the end of its prompt lives in the cache: ``5m`` or ``1h``."""
    marks = call.request.cache.breakpoints
    if marks is None:
        writes = call.usage.cache_writes if call.usage else None
        return "1h" if writes and writes[1] and not writes[0] else "5m"
    last = breakpoints_of(call)
    mark = last[-1][1] if last else marks[-1] if marks else None
    return "1h" if mark and mark.get("ttl") == "1h" else "5m"


def duration(seconds: float) -> str:
    """Seconds for people, e.g. ``42 s``, ``7 min``, ``3 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.0f} h"


def _concurrent(pair: Pair) -> Why | None:
    gap, first = (pair.after.started_at - pair.before.started_at).total_seconds(), first_byte(pair.before)
    if gap >= first:
        return None
    return Why("concurrent", "likely", f"it began {gap:.1f} s after a call whose answer began after {first:.1f} s")


def first_byte(call: Record) -> float:
    """Seconds until the answer began, from when on others can read what the call writes."""
    timing = call.timing
    return next((at for at in (timing.message_start, timing.first_byte) if at is not None), timing.duration)


def _lookback(pair: Pair) -> Why | None:
    if pair.after.request.cache.breakpoints is None or not (before := breakpoints_of(pair.before)):
        return None
    last, later = before[-1][0], [at for at, _ in breakpoints_of(pair.after)]
    if not later:
        return Why("lookback", "likely", "the call has no breakpoint on its messages")
    ahead = [at - last for at in later if at >= last]
    if ahead and min(ahead) < LOOKBACK:
        return None
    told = f"{min(ahead)} blocks after" if ahead else "before"
    return Why("lookback", "likely", f"the next breakpoint is {told} the cached end; the API looks {LOOKBACK - 1} back")


def _text_form(pair: Pair) -> Why | None:
    before, after = pair.before.request.cache.blocks, pair.after.request.cache.blocks
    pairs = enumerate(zip(before[: pair.shared], after[: pair.shared], strict=False))
    for index, (was, now) in pairs:
        is_system = _role(pair, pair.before.request.cache.messages[index]) == "system"  # Claude Code changes those
        if (was is None) != (now is None) and not is_system:
            forms = ("a list of blocks", "a plain text")
            told = f"message {index + 1} is sent as {forms[now is None]}, before as {forms[was is None]}"
            return Why("messages", "likely", told)
    return None


def _thinking(pair: Pair) -> Why | None:
    message = pair.before.response.message if pair.before.response else None
    blocks = (message or {}).get("content")
    thought = isinstance(blocks, list) and any(
        isinstance(one, dict) and one.get("type") == "thinking" for one in blocks
    )
    if thought and STRIPS_THINKING.match(pair.after.request.model or "") and prompt_of(pair.after.request.input):
        return Why("thinking", "likely", "this model drops its thinking from the history once the user writes")
    return None


def _first(found: Iterator[Why | None]) -> Why | None:
    return next((one for one in found if one is not None), None)


_LOOKS: Final[tuple[Callable[[Pair], Why | None], ...]] = (
    _not_requested, _too_short, _api_said, _workspace, _model, _tools, _speed, _flags, _system, _settings, _messages,
    _context_edit, _ttl, _concurrent, _lookback, _thinking, _text_form, _other_settings,
)  # fmt: skip
