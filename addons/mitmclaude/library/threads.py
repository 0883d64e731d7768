"""The calls of a session → its threads: calls whose histories continue one another, by the hashes of their messages.

A client sends the whole history with each call, and a session has several: the main agent's, one for each sub-agent,
and side calls (titles, searches, summaries) that have a history of their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mitmclaude.record.record import Record


@dataclass(slots=True)
class Thread:
    """Calls in order that share a history, or of which a later one replaced it."""

    agent_id: str | None
    calls: list[Record] = field(default_factory=list)
    hashes: set[str] = field(default_factory=set)
    """Of every message that it has had."""

    @property
    def has_tools(self) -> bool:
        """Whether it is an agent's: side calls have no tools, or only the API's own."""
        return any(call.request.tool_count > 1 for call in self.calls)

    def shared(self, call: Record) -> int:
        """How many messages at the beginning of `call` are those of the last call."""
        return common(self.calls[-1].request.cache.messages, call.request.cache.messages)


def threads(records: Iterable[Record]) -> list[Thread]:
    """The threads of the calls of one session, each by its first call; calls that are not of messages are left out."""
    found: list[Thread] = []
    for call in in_order(records):
        if (home := _home(call, found)) is None:
            home = Thread(call.agent_id)
            found.append(home)
        home.calls.append(call)
        home.hashes.update(call.request.cache.messages)
    return found


def in_order(records: Iterable[Record]) -> list[Record]:
    """The calls of messages, by the time of their begin."""
    calls = (record for record in records if record.endpoint == "messages")
    return sorted(calls, key=lambda record: (record.started_at, record.id))


def common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """The length of the longest common beginning."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))


def tail_start(call: Record) -> int:
    """The index of the first message that the record of `call` holds; all of them are hashes where it holds none."""
    count = len(call.request.cache.messages)
    return count if call.request.input is None else max(0, count - len(call.request.input))


def _home(call: Record, found: list[Thread]) -> Thread | None:
    """The thread that `call` continues: by its first messages, else by any, else as the agent that began anew."""
    own = [thread for thread in reversed(found) if thread.agent_id == call.agent_id]
    messages = call.request.cache.messages
    if not messages or not own:
        return None
    if shared := max(thread.shared(call) for thread in own):
        return next(thread for thread in own if thread.shared(call) == shared)
    for thread in own:
        if thread.hashes.intersection(messages):
            return thread
    tools = _tool_names(call)
    return next((thread for thread in own if len(tools) > 1 and _tool_names(thread.calls[-1]) == tools), None)


def _tool_names(call: Record) -> list[str]:
    return [name for name, _ in call.request.cache.tools]
