"""The calls of a store → what they sum up to, by person, model, day and more. Sums of money are exact."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from mitmclaude.library.money import exact
from mitmclaude.library.sessions import SUMS, hit_rate

BY: Final = {
    "principal": "principal",
    "model": "model",
    "day": "started_at::date::varchar",
    "hour": "strftime(started_at, '%Y-%m-%d %H:00')",
    "session": "session_id",
    "agent": "agent_id",
    "version": "client_version",
    "client": "client_name",
    "endpoint": "endpoint",
    "outcome": "outcome",
}
"""What calls can be put together by, and the SQL for it; days and hours are of the zone of the connection."""


class Totals(NamedTuple):
    """What the calls with the same values sum up to. Times in seconds, money in US dollars."""

    by: dict[str, str | None]
    """The values that these calls share, by the names of `BY`."""
    calls: int
    sessions: int
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
    retries: int
    """Calls that were tried before, as the client tells."""
    drift: int
    """Findings of what this version does not know."""
    ttft_p50: float | None
    ttft_p95: float | None
    speed_p50: float | None
    """Output tokens per second."""
    speed_p5: float | None

    @property
    def hit_rate(self) -> float | None:
        """The part of the prompts' tokens that was read from the cache."""
        return hit_rate(self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens)


class Drift(NamedTuple):
    """What one version of the client sent, or was sent, that this version of mitmclaude does not know."""

    client_version: str | None
    path: str
    message: str
    calls: int


def query(by: Sequence[str], condition: str) -> str:
    """The query that gives the sums of the calls that meet `condition`, the largest cost first; days in their order."""
    keys = [BY[name] for name in by]
    groups = f"group by {', '.join(map(str, range(1, len(keys) + 1)))}" if keys else "having count(*) > 0"
    times = [str(number) for number, name in enumerate(by, 1) if name in ("day", "hour")]
    order = ", ".join([*times, "cost desc, calls desc", *map(str, range(1, len(keys) + 1))])
    columns = "".join(f"{key}, " for key in keys)
    sums = SUMS.replace("count(*),", "count(*) as calls,", 1).replace("sum(cost_usd), 0)", "sum(cost_usd), 0) as cost")
    return f"""
        select {columns} {sums},
            count(distinct session_id),
            count(*) filter (retry > 0),
            coalesce(sum(drift), 0)::bigint,
            quantile_cont(ttft, [0.5, 0.95]),
            quantile_cont(output_tokens_per_second, [0.5, 0.05])
        from calls where {condition} {groups} order by {order}"""  # noqa: S608


def totals(by: Sequence[str], found: Sequence[Any]) -> Totals:
    """The sums in a row that the query gives."""
    shared = dict(zip(by, found[: len(by)], strict=True))
    calls, fresh, written, read, output, cost, unpriced, partial, failed, sessions, retries, drift, ttft, speed = found[
        len(by) :
    ]
    ttft, speed = ttft or (None, None), speed or (None, None)
    return Totals(
        shared, calls, sessions, fresh, written, read, output, exact(cost), unpriced, partial, failed, retries, drift,
        *ttft, *speed,
    )  # fmt: skip


def drifts(condition: str) -> str:
    """The query that gives the fields of `Drift`: what was found most often first."""
    return f"""
        select client_version, path, message, count(distinct id) as calls from findings
        where kind = 'drift' and id in (select id from calls where {condition})
        group by all order by client_version desc nulls last, calls desc, path, message"""  # noqa: S608


def fields(one: Totals) -> dict[str, Any]:
    """All of it by name, flat."""
    told = one._asdict()
    return {**told.pop("by"), **told, "hit_rate": one.hit_rate}
