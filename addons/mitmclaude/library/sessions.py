"""The calls of a store → its sessions; the calls of one session → its tree of agents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from mitmclaude.library.money import exact
from mitmclaude.record.row import Row


class Session(NamedTuple):
    """What one session did, of the calls that were selected. Times in UTC and seconds, money in US dollars."""

    session_id: str | None
    """None stands for all calls that have none."""
    title: str | None
    """The first prompt of a person."""
    principals: list[str]
    started_at: datetime
    duration: float
    """From the first call to the end of the last."""
    calls: int
    turns: int
    """Prompts of a person, and answers to a question of the model, that the main agent got."""
    agents: int
    """With the main one."""
    models: list[str]
    """The most used first."""
    input_tokens: int
    """Without what was read from the cache or written to it."""
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int
    """Calls with tokens whose price is not known: they are not in the cost."""
    partial: int
    """Calls whose tokens and cost are a lower bound."""
    failed: int
    """Calls that are not complete."""
    failures: list[str]
    """What failed: the types of the errors, else the outcomes."""

    @property
    def hit_rate(self) -> float | None:
        """The part of the prompts' tokens that was read from the cache."""
        return hit_rate(self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens)


def hit_rate(fresh: int, written: int, read: int) -> float | None:
    """The part of a prompt's tokens that was read from the cache; None where there are none."""
    total = fresh + written + read
    return read / total if total else None


SUMS: Final = """
    count(*),
    coalesce(sum(input_tokens), 0)::bigint,
    coalesce(sum(cache_creation_input_tokens), 0)::bigint,
    coalesce(sum(cache_read_input_tokens), 0)::bigint,
    coalesce(sum(output_tokens), 0)::bigint,
    coalesce(sum(cost_usd), 0),
    count(*) filter (endpoint = 'messages' and output_tokens is not null and cost_usd is null),
    count(*) filter (usage_is_partial),
    count(*) filter (outcome <> 'complete')"""
"""Calls, the four kinds of tokens, cost, unpriced, partial, failed."""

DEEPEST: Final = 20
"""Agents that are below one another; whoever made the requests gave them any ids."""

_MAIN: Final = "agent_id is null and endpoint = 'messages'"


def listing(condition: str, newest: int | None) -> str:
    """The query that gives the fields of `Session` for each session, the newest first."""
    return f"""
        select session_id,
            coalesce(arg_min(title, started_at) filter ({_MAIN} and tool_count > 0),
                     arg_min(title, started_at) filter ({_MAIN}), arg_min(title, started_at)),
            list_sort(list(distinct principal) filter (principal is not null)),
            min(started_at),
            epoch_us(max(started_at + to_microseconds((duration * 1000000)::bigint))) - epoch_us(min(started_at)),
            coalesce(nullif(count(distinct title) filter ({_MAIN} and tool_count > 0), 0),
                     count(distinct title) filter ({_MAIN})),
            1 + count(distinct agent_id),
            map_entries(histogram(model)),
            list_sort(list(distinct coalesce(error_type, outcome)) filter (outcome <> 'complete')),
            {SUMS}
        from calls where {condition}
        group by session_id order by max(started_at) desc, session_id
        {f"limit {newest:d}" if newest else ""}"""  # noqa: S608


def session(found: Sequence[Any]) -> Session:
    """The session in a row that the query of `listing` gives."""
    (
        session_id, title, principals, started_at, microseconds, turns, agents, models, failures,
        calls, fresh, written, read, output, cost, unpriced, partial, failed,
    ) = found  # fmt: skip
    used = sorted(models or (), key=lambda one: (-one["value"], one["key"]))
    return Session(
        session_id, title, principals or [], started_at, microseconds / 1_000_000, calls, turns, agents,
        [one["key"] for one in used], fresh, written, read, output, exact(cost), unpriced, partial, failed,
        failures or [],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Total:
    """What some calls sum up to."""

    calls: int = 0
    input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    partial: int = 0
    failed: int = 0

    @property
    def hit_rate(self) -> float | None:
        """The part of the prompts' tokens that was read from the cache."""
        return hit_rate(self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens)


def total(rows: Sequence[Row]) -> Total:
    """The sums of `rows`; what is not known counts as nothing."""
    return Total(
        len(rows),
        sum(row.input_tokens or 0 for row in rows),
        sum(row.cache_creation_input_tokens or 0 for row in rows),
        sum(row.cache_read_input_tokens or 0 for row in rows),
        sum(row.output_tokens or 0 for row in rows),
        sum((row.cost_usd for row in rows if row.cost_usd is not None), Decimal(0)),
        sum(row.usage_is_partial for row in rows),
        sum(row.outcome != "complete" for row in rows),
    )


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of a session with its calls and the agents that it started."""

    id: str | None
    """None for the main one."""
    calls: tuple[Row, ...]
    agents: tuple["Agent", ...]

    @property
    def started_at(self) -> datetime:
        """When the first call of it, or of an agent below it, was made."""
        return min([row.started_at for row in self.calls] + [agent.started_at for agent in self.agents])

    @property
    def all_calls(self) -> list[Row]:
        """Its calls and those of all agents below it."""
        return [*self.calls, *(row for agent in self.agents for row in agent.all_calls)]

    @property
    def steps(self) -> list["Row | Agent"]:
        """Its calls, and the agents that it started where their first call stands in time."""
        return sorted((*self.calls, *self.agents), key=lambda step: step.started_at)


def tree(rows: Sequence[Row]) -> Agent:
    """The main agent of the session that `rows` are of; an agent whose parent is not known is below it."""
    calls: dict[str | None, list[Row]] = {None: []}
    parents: dict[str, str | None] = {}
    for row in rows:
        calls.setdefault(row.agent_id, []).append(row)
        if row.agent_id is not None and (row.parent_agent_id is not None or row.agent_id not in parents):
            parents[row.agent_id] = row.parent_agent_id
    below: dict[str | None, list[str]] = {}
    for agent in parents:
        below.setdefault(_parent(agent, parents), []).append(agent)
    return _agent(None, calls, below)


def _parent(agent: str, parents: dict[str, str | None]) -> str | None:
    """The parent of `agent`; None, the main agent, where it is not known or where agents are parents in a circle."""
    parent = parents[agent]
    seen, at = {agent}, parent
    while at is not None:
        if at in seen or len(seen) > DEEPEST:
            return None
        seen.add(at)
        at = parents.get(at)
    return parent if parent in parents else None


def _agent(id_: str | None, calls: dict[str | None, list[Row]], below: dict[str | None, list[str]]) -> Agent:
    return Agent(id_, tuple(calls[id_]), tuple(_agent(one, calls, below) for one in below.get(id_, ())))


class Line(NamedTuple):
    """A line of a tree that is printed: an agent with its sums, or a call."""

    depth: int
    agent: Agent | None
    call: Row | None


def lines(agent: Agent, depth: int = 0) -> Iterator[Line]:
    """The tree from `agent` down, in the order of time. The depth of agents is bounded by that of their tree."""
    yield Line(depth, agent, None)
    for step in agent.steps:
        if isinstance(step, Agent):
            yield from lines(step, depth + 1)
        else:
            yield Line(depth + 1, None, step)
