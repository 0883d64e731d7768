"""The records of a session → for each call what its prompt cache gave, and why it gave less than it could have.

A call is compared with the earlier one of the same agent whose history it continues: what that one read and wrote is
what this one can read. The less, named by its cause, was paid for once more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from mitmclaude import cost
from mitmclaude.library.causes import Certainty, Pair, Why, is_same_key, too_short, why
from mitmclaude.library.prefixes import Predecessor, Prefixes
from mitmclaude.library.threads import in_order, tail_start
from mitmclaude.record.record import Record
from mitmclaude.usage import Usage

SILENT: Final = ("hit", "first", "branch", "not_cached", "not_requested", "too_short")
"""What is no miss where nothing was missed."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One call that has a usage; counts are tokens."""

    call: str
    at: datetime
    session_id: str | None
    agent_id: str | None
    model: str | None
    client_version: str | None
    read: int
    written: int
    fresh: int
    """Of the prompt, neither read from the cache nor written to it."""
    missed: int
    """That could have been read and were paid for once more."""
    cause: str
    """``hit``, ``first`` and their like where nothing was missed, else the cause of the miss."""
    certainty: Certainty | None
    detail: str
    predecessor: str | None
    """The id of the call that it was compared with."""
    gap: float | None
    """Seconds since that one began."""
    waste_usd: Decimal | None
    """What the missed tokens cost more than reading them; None where a price is not known."""

    @property
    def is_miss(self) -> bool:
        return self.missed > 0

    @property
    def prompt(self) -> int:
        """All tokens of the prompt."""
        return self.read + self.written + self.fresh


def explain(records: Iterable[Record]) -> list[Explained]:
    """What became of the cache in each call of messages that has a usage, of any number of sessions, by time."""
    seen: dict[tuple[str | None, str | None], _Agent] = {}
    calls = [record for record in in_order(records) if _has_usage(record)]
    return [seen.setdefault((call.session_id, call.agent_id), _Agent()).explained(call) for call in calls]


def _has_usage(call: Record) -> bool:
    """Whether it got as far as the cache: a call that failed before its answer began wrote nothing."""
    return call.usage is not None and call.usage.total_input_tokens is not None


def left(call: Record) -> int:
    """Tokens that a call leaves in the cache: what it read and what it wrote."""
    usage = call.usage or Usage()
    return (usage.cache_read_input_tokens or 0) + (usage.cache_write_tokens or 0)


class _Agent:
    """The calls of one agent so far."""

    def __init__(self) -> None:
        self._prefixes = Prefixes()
        self._known: dict[str, Any] = {}

    def explained(self, call: Record) -> Explained:
        """The verdict on `call`, which then is one of those before."""
        found = self._compared(call)
        self._prefixes.add(call)
        self._known.update(zip(call.request.cache.messages[tail_start(call) :], call.request.input or (), strict=False))
        usage = call.usage or Usage()
        read, prompt = usage.cache_read_input_tokens or 0, usage.total_input_tokens or 0
        if isinstance(found, Predecessor):
            missed = max(0, min(left(found.call), prompt) - read)
            verdict = why(Pair(found.call, call, found.shared, self._known)) if missed else _silent(call, "hit")
            before = found.call
        else:
            missed, verdict, before = 0, _silent(call, found), None
        return Explained(
            call=call.id,
            at=call.started_at,
            session_id=call.session_id,
            agent_id=call.agent_id,
            model=(call.response.model if call.response else None) or call.request.model,
            client_version=call.client_version,
            read=read,
            written=usage.cache_write_tokens or 0,
            fresh=usage.input_tokens or 0,
            missed=missed,
            cause=verdict.cause,
            certainty=verdict.certainty if missed else None,
            detail=verdict.detail,
            predecessor=before.id if before else None,
            gap=(call.started_at - before.started_at).total_seconds() if before else None,
            waste_usd=waste(call, missed),
        )

    def _compared(self, call: Record) -> Predecessor | str:
        """The call to compare with: the predecessor, or one that left more of what `call` repeats."""
        first = self._prefixes.predecessor(call)
        least = -1
        if isinstance(first, Predecessor):
            least = left(first.call)
            if _is_edited(first.call) or _is_edited(call):
                return first
        most = (call.usage and call.usage.total_input_tokens) or 0  # what left more than this was made shorter since
        more = [one for one in self._prefixes.wholes(call) if least < left(one.call) <= most]
        more.sort(key=lambda one: (left(one.call), one.shared), reverse=True)
        return next((one for one in more if is_same_key(one.call, call)), first)


def _is_edited(call: Record) -> bool:
    """Whether the API made the prompt shorter than it was sent."""
    message = (call.response.message if call.response else None) or {}
    managed = message.get("context_management")
    compacted = any(one.type == "compaction" for one in (call.usage and call.usage.iterations) or ())
    return compacted or bool(isinstance(managed, dict) and managed.get("applied_edits"))


def _silent(call: Record, found: str) -> Why:
    """The verdict on a call that missed nothing."""
    if left(call):
        return Why(found, "certain", "")
    if call.request.cache.breakpoints == ():
        return Why("not_requested", "certain", "the call has no breakpoint, so it asks for no cache")
    if call.request.cache.breakpoints and (said := too_short(call)):
        return Why("too_short", "likely", said)
    return Why("not_cached", "unknown", "nothing was read or written")


def waste(call: Record, missed: int) -> Decimal | None:
    """What `call` cost more than it would have, had it read `missed` tokens: written ones first, then the others."""
    if not missed:
        return Decimal(0)
    usage, model = call.usage or Usage(), (call.response.model if call.response else None) or call.request.model
    if model is None:
        return None
    short, hour = usage.cache_writes or (0, 0)
    fresh, read = usage.input_tokens or 0, usage.cache_read_input_tokens or 0
    prices = [
        cost.of(one, model, call.started_at) for one in _as_it_was_and_could_be(usage, short, hour, fresh, read, missed)
    ]
    paid, could = (price.total if price else None for price in prices)
    return None if paid is None or could is None else paid - could


def _as_it_was_and_could_be(usage: Usage, short: int, hour: int, fresh: int, read: int, missed: int) -> Iterator[Usage]:
    """The usage of the prompt, and the one with `missed` tokens read; all else of it is the same."""
    same = {"speed": usage.speed, "service_tier": usage.service_tier, "inference_geo": usage.inference_geo}
    written = min(missed, short + hour)
    from_hour = round(written * hour / (short + hour)) if written else 0
    from_short = written - from_hour
    from_fresh = min(missed - written, fresh)
    for factor in (0, 1):
        yield Usage.model_validate(
            same
            | {
                "input_tokens": fresh - factor * from_fresh,
                "cache_creation_input_tokens": short + hour - factor * written,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": short - factor * from_short,
                    "ephemeral_1h_input_tokens": hour - factor * from_hour,
                },
                "cache_read_input_tokens": read + factor * (written + from_fresh),
            }
        )


@dataclass(frozen=True, slots=True)
class Cause:
    """The misses of one cause."""

    cause: str
    calls: int
    missed: int
    waste_usd: Decimal
    unpriced: int
    """Calls whose price is not known, which `waste_usd` leaves out."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The cache over many calls; a rate is None where no call counts for it."""

    calls: int
    read: int
    prompt: int
    missed: int
    waste_usd: Decimal
    unpriced: int
    by_cause: tuple[Cause, ...]
    """The most wasteful first."""
    by_gap: tuple[tuple[str, int, float], ...]
    """Gap since the call before, calls, hit rate."""

    @property
    def hit_rate(self) -> float | None:
        """The part of all prompts that was read from the cache."""
        return self.read / self.prompt if self.prompt else None


GAPS: Final = (
    (30, "under 30 s"),
    (300, "30 s to 5 min"),
    (900, "5 to 15 min"),
    (3600, "15 to 60 min"),
    (float("inf"), "over 60 min"),
)


def totals(explained: Iterable[Explained], by: str = "cause") -> Totals:
    """The sums; `by` is the field of `Explained` that misses are counted by."""
    calls = list(explained)
    groups: dict[str, list[Explained]] = {}
    for one in calls:
        if one.is_miss:
            groups.setdefault(str(getattr(one, by) or "main"), []).append(one)
    causes = [_cause(name, group) for name, group in groups.items()]
    misses = [one for group in groups.values() for one in group]
    everything = _cause("", misses)
    return Totals(
        calls=len(calls),
        read=sum(one.read for one in calls),
        prompt=sum(one.prompt for one in calls),
        missed=everything.missed,
        waste_usd=everything.waste_usd,
        unpriced=everything.unpriced,
        by_cause=tuple(sorted(causes, key=lambda one: (-one.waste_usd, -one.missed, one.cause))),
        by_gap=tuple(_by_gap(calls)),
    )


def _cause(name: str, group: list[Explained]) -> Cause:
    prices = [one.waste_usd for one in group if one.waste_usd is not None]
    return Cause(name, len(group), sum(one.missed for one in group), sum(prices, Decimal(0)), len(group) - len(prices))


def _by_gap(calls: list[Explained]) -> Iterator[tuple[str, int, float]]:
    least = 0.0
    for most, name in GAPS:
        group = [one for one in calls if one.gap is not None and least <= one.gap < most]
        if prompt := sum(one.prompt for one in group):
            yield name, len(group), sum(one.read for one in group) / prompt
        least = most
