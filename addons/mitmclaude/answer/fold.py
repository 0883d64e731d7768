"""Stream events → the message they build. https://platform.claude.com/docs/en/build-with-claude/streaming

The result is the message as the API sends it without streaming, as far as the events came. What the stream rules do not
foresee never raises: it is kept and reported as drift. Three keys of our own can appear in a content block:

- ``partial_json``: tool input whose parts do not join to JSON, as the text that came; ``input`` stays as it started.
- ``delta_fields``: fields of its deltas that are unknown here, the last value of each.
- ``unknown_deltas``: deltas of unknown type or shape, in order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mitmclaude.answer.block import Block, named, overwrite
from mitmclaude.answer.decode import Event, loads
from mitmclaude.findings import Finding, drift

MAX_FINDINGS: Final = 100

_EVENTS: Final[dict[str, set[str] | None]] = {  # the known fields of each known event
    "content_block_delta": {"type", "index", "delta"},
    "content_block_start": {"type", "index", "content_block"},
    "content_block_stop": {"type", "index"},
    "message_start": {"type", "message"},
    "message_delta": None,  # all of them go into the message
    "message_stop": {"type"},
    "ping": None,
    "error": {"type", "error", "request_id"},
}


@dataclass(frozen=True, slots=True)
class Folded:
    """What a stream said."""

    message: dict[str, Any] | None
    """None if no event of a message came."""
    error: dict[str, Any] | None
    """The ``error`` of the first ``error`` event; ``{"message": text}`` if that event is not JSON."""
    stopped: bool
    """Whether ``message_stop`` came."""
    findings: tuple[Finding, ...]
    """Each different drift once, with the path of the first; at most MAX_FINDINGS."""
    events: dict[str, int]
    """How many events of each known type came; those of other types under ``unknown``."""
    unplaced: tuple[dict[str, Any], ...]
    """What has no place in the message, in order: ``event`` is the type, ``data`` the object or, not JSON, the text."""
    has_final_usage: bool = False
    """Whether the usage came to its end: the output tokens of message_start are those of the first moment only."""


def fold(events: Iterable[Event]) -> Folded:
    """The message that `events` build; never raises. Takes time and memory in proportion to the bytes of the events."""
    folding = Folding()
    for event in events:
        folding.take(event)
    return folding.folded()


def has_output(message: Mapping[str, Any]) -> bool:
    """Whether the model put anything into `message`: a refusal before that is not charged."""
    content = message.get("content")
    return isinstance(content, list) and any(
        block.get("text")
        or block.get("thinking")
        or block.get("signature")
        or block.get("type") not in ("text", "thinking", "fallback")
        for block in content
        if isinstance(block, dict)
    )


class Folding:
    """A fold in the making: takes one event after the other, each of which is parsed once."""

    def __init__(self) -> None:
        self.taken = 0
        self.message: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self.started = self.stopped = self.has_counted = False
        self.content: list[Block] = []
        self.by_index: dict[int | None, Block] = {}  # the last block of that index; None: not an integer
        self.findings: dict[str, Finding] = {}
        self.events: Counter[str] = Counter()
        self.unplaced: list[dict[str, Any]] = []

    def take(self, event: Event) -> None:
        """Apply `event`; never raises."""
        self._take(event)
        self.taken += 1

    def _take(self, event: Event) -> None:
        if event.name == "ping":
            self.events["ping"] += 1
            return
        try:
            said = loads(event.data)
        except ValueError:
            said = event.data.decode(errors="replace")
        if event.name == "content_block_delta" and self._append(said):
            return
        if not isinstance(said, dict):
            self._drift("", "data is not a JSON object")
            self._count(event.name)
            if event.name == "error" and self.error is None:
                self.error = {"message": event.data.decode(errors="replace")}
            else:
                self._unplace(event.name, said)
            return
        tag = said.get("type")
        if event.name == "message":
            self._drift("", "no event line: clients take no event without one")
        elif tag != event.name:
            self._drift(".type", f"event line says {named(event.name)}, type is {named(tag)}")
        self._dispatch(tag if isinstance(tag, str) and event.name != "error" else event.name, said)

    def _append(self, said: Any) -> bool:
        """Take a delta that goes the way that nearly all of them go; whether it does."""
        try:
            index = said["index"]
            block = self.by_index[index]
            is_plain = len(said) == 3 and said["type"] == "content_block_delta" and type(index) is int
            if not is_plain or self.stopped or block.stopped or not block.append(said["delta"]):
                return False
        except (KeyError, TypeError):
            return False
        self.events["content_block_delta"] += 1
        return True

    def _dispatch(self, kind: str, said: dict[str, Any]) -> None:
        self._count(kind)
        if kind == "ping":
            return
        if self.stopped:
            self._drift("", "event after message_stop")
        known = _EVENTS.get(kind)
        if known and not said.keys() <= known:
            self._drift("", f"{kind} with unknown fields")
            self._unplace(kind, {key: value for key, value in said.items() if key not in known})
        match kind:
            case "content_block_delta":
                self._delta(said)
            case "content_block_start":
                self._block_start(said)
            case "content_block_stop":
                self._block(said).stopped = True
            case "message_start":
                self._message_start(said)
            case "message_delta":
                self._message_delta(said)
            case "message_stop":
                self.stopped = True
            case "error":
                self._error(said)
            case _:
                self._drift(".type", f"unknown event type: {named(kind)}")
                self._unplace(kind, said)

    def _message_start(self, said: dict[str, Any]) -> None:
        message = said.get("message")
        if self.started or not isinstance(message, dict):
            self._drift(".message", "a second message_start" if self.started else "message is not an object")
            self._unplace("message_start", said)
            return
        self.started = True
        content = message.get("content")
        if isinstance(content, list) and all(isinstance(block, dict) for block in content):
            for block in content:
                self._open(len(self.content), block)
        elif content is not None:
            self._drift(".message.content", "content is not a list of objects")
            self._unplace("message_start", {"content": content})
        overwrite(message, self.message or {})
        self.message = message

    def _message_delta(self, said: dict[str, Any]) -> None:
        message = self._begun()
        odd: dict[str, Any] = {
            key: said[key] for key in ("delta", "usage") if key in said and not isinstance(said[key], dict)
        }
        fields = {key: value for key, value in said.items() if key not in ("type", "delta", "usage")}
        if "delta" in said and "delta" not in odd:
            fields = {**said["delta"], **fields}
        odd.update((key, fields.pop(key)) for key in ("content", "usage") if key in fields)
        overwrite(message, fields)
        if "usage" in said and "usage" not in odd:
            if not isinstance(message.get("usage"), dict):
                message["usage"] = {}
            self.has_counted |= said["usage"].get("output_tokens") is not None
            overwrite(message["usage"], said["usage"])  # totals so far, not to be added; absent ones stay
        if odd:
            self._drift("", "message_delta of unknown shape")
            self._unplace("message_delta", odd)

    def _block_start(self, said: dict[str, Any]) -> None:
        self._begun()
        index, block = said.get("index"), said.get("content_block")
        if type(index) is not int or index != len(self.content):
            self._drift(".index", "block index is not the next one")
        if not isinstance(block, dict):
            self._drift(".content_block", "content_block is not an object")
            self._unplace("content_block_start", {"content_block": block})
            block = {}
        self._open(index, block)
        if block.get("type") == "fallback" and isinstance(to := block.get("to"), dict) and "model" in to:
            self._begun()["model"] = to["model"]  # the unstreamed message names the model that served it

    def _delta(self, said: dict[str, Any]) -> None:
        block = self._block(said)
        if block.stopped:
            self._drift("", "delta for a block that has stopped")
        if strange := block.take(said.get("delta")):
            self._drift(".delta", strange)

    def _error(self, said: dict[str, Any]) -> None:
        if self.error is None:
            error = said.get("error")
            self.error = error if isinstance(error, dict) else said
        if self.error is not said.get("error"):
            self._unplace("error", said)

    def _begun(self) -> dict[str, Any]:
        if self.message is None:
            self._drift("", "no message_start before it")
            self.message = {}
        return self.message

    def _open(self, index: Any, block: dict[str, Any]) -> Block:
        opened = Block(block)
        self.content.append(opened)
        self.by_index[index if type(index) is int else None] = opened
        return opened

    def _block(self, said: dict[str, Any]) -> Block:
        index = said.get("index")
        block = self.by_index.get(index if type(index) is int else None)
        if block is None:
            self._begun()
            self._drift(".index", "the block has not started")
            block = self._open(index, {})
        return block

    def _count(self, kind: str) -> None:
        self.events[kind if kind in _EVENTS else "unknown"] += 1

    def _unplace(self, kind: str, data: Any) -> None:
        self.unplaced.append({"event": kind, "data": data})

    def _drift(self, within: str, message: str) -> None:
        """Drift at the place `within` the event that is taken."""
        if message not in self.findings and len(self.findings) < MAX_FINDINGS:
            self.findings[message] = drift(f"events.{self.taken}{within}", message)

    def folded(self) -> Folded:
        """What the events so far build. May be asked for again after more of them; a result shares its parts with the
        next one."""
        findings = dict(self.findings)
        content: list[dict[str, Any]] = []
        for number, block in enumerate(self.content):
            value, strange = block.finished()
            content.append(value)
            if strange and strange not in findings and len(findings) < MAX_FINDINGS:
                findings[strange] = drift(f"content.{number}.input", strange)
        message = None if self.message is None else {**self.message, "content": content}
        ended = self.stopped or (message is not None and message.get("stop_reason") is not None)
        return Folded(
            message,
            self.error,
            self.stopped,
            tuple(findings.values()),
            dict(self.events),
            tuple(self.unplaced),
            self.has_counted and ended,
        )
