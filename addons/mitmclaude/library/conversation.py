"""The records of a session → the conversation of one of its agents: each message once, in order, edits marked.

A record holds what its call added and the answer; hashes of the whole history tell where that belongs. So a
conversation is put together from the records alone, and a history that was edited is seen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from mitmclaude.library.content import blocks_of, kind_of, prompt_of, role_of, text_of
from mitmclaude.library.threads import Thread, tail_start, threads
from mitmclaude.record.record import Record

type Kind = Literal["message", "answer", "edit", "absent", "failed", "side", "agent"]
"""A message of the client; an answer; a change of the history; messages that no record holds; a call without an
answer; a call with another history; a sub-agent that was started."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of a conversation; `text` is a sentence of ours where it is neither message nor answer."""

    kind: Kind
    call: str
    """The id of the record that has it."""
    at: datetime
    role: str = ""
    content: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of a session and what it took, side calls included; tokens are those of all prompts and answers."""

    agent_id: str | None
    parent_agent_id: str | None
    prompt: str
    calls: int
    tokens: int
    cost_usd: Decimal
    unpriced: int
    """Calls whose cost is not known, which `cost_usd` leaves out."""
    began: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one agent of a session read and said."""

    session_id: str | None
    agent: Agent
    others: tuple[Agent, ...]
    """The other agents of the session."""
    entries: tuple[Entry, ...]


def agents(records: Iterable[Record]) -> list[Agent]:
    """The agents of a session, the main one first."""
    calls: dict[str | None, list[Record]] = {}
    for record in sorted(records, key=lambda one: (one.started_at, one.id)):
        if record.endpoint == "messages":
            calls.setdefault(record.agent_id, []).append(record)
    found = [_agent(agent_id, own) for agent_id, own in calls.items()]
    return sorted(found, key=lambda agent: (agent.agent_id is not None, agent.began))


def conversation(records: Iterable[Record], agent_id: str | None = None) -> Conversation:
    """The conversation of an agent, None being the main one, from all records of its session; KeyError without any."""
    known = list(records)
    everyone = agents(known)
    agent = next((one for one in everyone if one.agent_id == agent_id), None)
    if agent is None:
        raise KeyError(agent_id)
    own = [thread for thread in threads(known) if thread.agent_id == agent_id]
    main = [thread for thread in own if thread.has_tools] or own[:1]
    entries = [entry for thread in main for entry in _Telling(thread).entries()]
    entries += [_side(thread) for thread in own if thread not in main]
    children = [one for one in everyone if one.agent_id != agent_id and one.parent_agent_id == agent_id]
    entries = _with_agents(sorted(entries, key=lambda entry: entry.at), children)
    others = tuple(one for one in everyone if one is not agent)
    return Conversation(known[0].session_id, agent, others, tuple(entries))


def _agent(agent_id: str | None, calls: list[Record]) -> Agent:
    costs = [call.cost.total for call in calls if call.cost]
    tools = [call for call in calls if call.request.tool_count > 1] or calls
    return Agent(
        agent_id=agent_id,
        parent_agent_id=next((call.parent_agent_id for call in calls if call.parent_agent_id), None),
        prompt=next((text for call in tools if (text := prompt_of(call.request.input))), ""),
        calls=len(calls),
        tokens=sum(_tokens(call) for call in calls),
        cost_usd=sum(costs, Decimal(0)),
        unpriced=sum(call.usage is not None and call.cost is None for call in calls),
        began=calls[0].started_at,
    )


def _tokens(call: Record) -> int:
    usage = call.usage
    return (usage.total_input_tokens or 0) + (usage.output_tokens or 0) if usage else 0


@dataclass(slots=True)
class _Telling:
    """Tells a thread call by call; `_history` is what the next call is expected to begin with."""

    thread: Thread
    _history: list[str | None] = field(default_factory=list)
    """Hashes; None for an answer, whose hash the next call has."""
    _told: set[str] = field(default_factory=set)
    _contents: dict[str, Any] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry]:
        for call in self.thread.calls:
            yield from self._call(call)
            yield from self._answer(call)

    def _call(self, call: Record) -> Iterator[Entry]:
        messages, start = call.request.cache.messages, tail_start(call)
        tail = call.request.input or []
        self._contents.update(zip(messages[start:], tail, strict=False))
        self._place_answer(call, start)
        kept = self._kept(messages, start)
        dropped = self._history[kept:] if any(self._history[kept:]) else []  # else an answer that was not sent again
        is_edit = bool(dropped)
        if is_edit:
            yield Entry("edit", call.id, call.started_at, text=_edit(kept, dropped, messages, start))
        absent = again = 0
        for index in range(kept, len(messages)):
            one = messages[index]
            if is_edit and one in self._told:
                again += 1
            elif one in self._contents:
                if absent:
                    yield _absent(call, absent)
                absent = 0
                message = self._contents[one]
                yield Entry("message", call.id, call.started_at, role_of(message), blocks_of(message))
            else:
                absent += 1
            self._told.add(one)
        if absent:
            yield _absent(call, absent)
        if again:
            yield Entry("edit", call.id, call.started_at, text=f"{_messages(again)} as above")
        self._history = list(messages)

    def _place_answer(self, call: Record, start: int) -> None:
        """Give the last answer its hash: it is the message before the new ones, unless that is an older one."""
        if self._history and self._history[-1] is None and call.request.input is not None and start:
            answer = call.request.cache.messages[start - 1]
            if answer not in self._told:
                self._history[-1] = answer
                self._told.add(answer)

    def _kept(self, messages: tuple[str, ...], start: int) -> int:
        """How much of the history `messages` begin with; an answer is taken to be the message that has its place."""
        for index, (was, now) in enumerate(zip(self._history, messages, strict=False)):
            if was is None and index < start:
                self._told.add(now)
            elif was != now:
                return index
        return min(len(self._history), len(messages))

    def _answer(self, call: Record) -> Iterator[Entry]:
        at, message = call.started_at, call.response.message if call.response else None
        if blocks := blocks_of(message):
            yield Entry("answer", call.id, at, "assistant", blocks)
            self._history.append(None)
        if call.outcome != "complete":
            error = (call.response.error if call.response else None) or {}
            told = [call.outcome, str(call.response.status) if call.response else "", str(error.get("type") or "")]
            what = error.get("message") or call.failure
            text = " ".join(filter(None, told)) + (f": {what}" if what else "")
            yield Entry("failed", call.id, at, text=text)


def _edit(kept: int, dropped: list[str | None], messages: tuple[str, ...], start: int) -> str:
    """What happened to the history, in one sentence."""
    gone = f"{_messages(len(dropped))} from message {kept + 1} on"
    stay = [one for one in dropped if one in messages[kept:]]
    if not kept and not stay:
        return f"the history was replaced: {_messages(len(dropped))} gone, {_messages(len(messages))} in their place"
    if kept >= start and not stay:
        return f"went back to before message {kept + 1}: {gone} are left out"
    new = len(messages) - kept - len(stay)
    return (
        f"the history was edited from message {kept + 1} on: {len(dropped) - len(stay)} gone, "
        f"{len(stay)} kept, {new} that follow"
    )


def _absent(call: Record, count: int) -> Entry:
    return Entry("absent", call.id, call.started_at, text=f"{_messages(count)} that no record here holds")


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _side(thread: Thread) -> Entry:
    first = thread.calls[0]
    calls = "" if len(thread.calls) == 1 else f" ({len(thread.calls)} calls)"
    prompt = prompt_of(first.request.input)
    said = next((text_of(block) for block in blocks_of(first.response.message if first.response else None)), "")
    return Entry("side", first.id, first.started_at, text=f"{_line(prompt)} → {_line(said)}{calls}")


def _line(text: str, longest: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def _with_agents(entries: list[Entry], children: list[Agent]) -> list[Entry]:
    """The entries, with each sub-agent after the answer that started it: by its prompt, else by time."""
    told = list(entries)
    for child in sorted(children, key=lambda one: one.began, reverse=True):
        asked = [i for i, entry in enumerate(told) if entry.kind == "answer" and _asks_for(entry, child)]
        before = [i for i, entry in enumerate(told) if entry.at <= child.began]
        place = asked[-1] if asked else before[-1] if before else -1
        entry = Entry("agent", "", child.began, text=_line(child.prompt), agent_id=child.agent_id)
        told.insert(place + 1, entry)
    return told


def _asks_for(entry: Entry, child: Agent) -> bool:
    inputs = (block.get("input") for block in entry.content if kind_of(block) == "tool_use" and entry.at <= child.began)
    prompts = (asked.get("prompt") for asked in inputs if isinstance(asked, dict))
    return any(isinstance(prompt, str) and prompt.strip() and prompt.strip() in child.prompt for prompt in prompts)
