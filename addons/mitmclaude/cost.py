"""A usage and a model → its cost in exact US dollars. https://platform.claude.com/docs/en/about-claude/pricing

genai-prices knows the list price of each model at each date, with tiers, fast mode and batch. Added here: the split by
part, ``iterations`` at the price of their own model, US inference, and refusals that are not charged. A price that is
not known is None, never 0. No list price has these, so they are not here: contracts of the priority tier, the discount
of a redeemed fallback credit, the time of code execution.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, PlainSerializer

from mitmclaude.usage import Tokens, Usage

if TYPE_CHECKING:  # it takes half a second to import, so the first price does it
    from genai_prices.types import PriceCalculation

Context = Mapping[str, str]
Usd = Annotated[Decimal, PlainSerializer(lambda usd: format(usd, "f"), return_type=str, when_used="json")]

_RATES: Final = {  # part of the cost: its price per million tokens, as genai-prices calls it
    "input": "input_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "cache_read": "cache_read_mtok",
    "output": "output_mtok",
}
_CONTEXTS: Final[dict[tuple[str, str | None], Context]] = {  # reported value: what it asks of genai-prices
    ("speed", None): {},
    ("speed", "standard"): {},
    ("speed", "fast"): {"speed": "fast"},
    ("service_tier", None): {},
    ("service_tier", "standard"): {},
    ("service_tier", "priority"): {},
    ("service_tier", "batch"): {"processing": "batch"},
}
_COUNTS: Final = frozenset(Tokens.model_fields)
_GEOS: Final = {None: Decimal(1), "global": Decimal(1), "not_available": Decimal(1), "us": Decimal("1.1")}
"""On the price of tokens, since 4.6. https://platform.claude.com/docs/en/manage-claude/data-residency"""
_SINCE_4_6: Final = re.compile(r"claude-[a-z]+-(4-[6-9]|[5-9]|\d{2,})\b")
_PROVIDERS: Final = ("anthropic", "litellm", "aws")
"""Where a Claude is looked up: names of the API, ``provider/name`` of gateways, names of Bedrock."""


class Cost(BaseModel):
    """List price in US dollars, by part."""

    model_config = ConfigDict(frozen=True)

    total: Usd
    input: Usd = Decimal(0)
    cache_write_5m: Usd = Decimal(0)
    cache_write_1h: Usd = Decimal(0)
    cache_read: Usd = Decimal(0)
    output: Usd = Decimal(0)
    web_search: Usd = Decimal(0)
    currency: Literal["USD"] = "USD"
    basis: Literal["list"] = "list"
    price_version: str
    model: str
    """The price list's id of the model of the message."""
    by_model: dict[str, Usd] = {}
    """Tokens only: a fallback, an advisor or an iteration has its own model."""
    context: dict[str, str] = {}
    """What chose another price than the standard one: ``speed``, ``processing``."""
    multipliers: dict[str, Usd] = {}
    """What came on top: ``inference_geo``."""
    reason: Literal["refused_before_output"] | None = None
    """Why nothing is charged."""


class _Sampling(NamedTuple):
    """Tokens that are priced together."""

    tokens: Tokens
    model: str
    contexts: tuple[Context, ...]
    """The first that the model has a price for counts."""


class _Priced(NamedTuple):
    """What a sampling costs."""

    model: str
    factor: Decimal
    parts: dict[str, Decimal]


def price_version() -> str:
    """Which price list is in use."""
    import genai_prices

    return f"genai-prices {genai_prices.__version__}"


def window(model: str, at: datetime) -> int | None:
    """Tokens that `model` takes at the most; None if the price list does not know."""
    found = _find(model, at, ({},))
    return found.model.context_window if found else None


def of(
    usage: Usage, model: str, at: datetime, *, stop_reason: str | None = None, output_started: bool = True
) -> Cost | None:
    """What `usage` of `model` costs at the list price of the moment `at` (UTC if naive).

    None if a price is not known: of the model, a mode, a region or a part, or if no count of tokens was reported.
    `stop_reason` refusal costs nothing if not `output_started` (see message.has_output).
    """
    if (context := _context(usage)) is None or (found := _find(model, at, (context,))) is None:
        return None
    samplings = list(_samplings(usage, model, context))
    priced = [one for sampling in samplings if (one := _price(sampling, usage, at)) is not None]
    searches = _searches(usage, found)
    if not samplings or len(priced) < len(samplings) or searches is None:
        return None
    refused = stop_reason == "refusal" and not output_started
    if refused:
        priced, searches = [], Decimal(0)
    parts = {part: sum((one.parts[part] for one in priced), Decimal(0)) for part in _RATES}
    factor = max((one.factor for one in priced), default=Decimal(1))
    by_model: dict[str, Decimal] = {}
    for one in priced:
        by_model[one.model] = sum(one.parts.values(), by_model.get(one.model, Decimal(0)))
    return Cost(
        **parts,
        total=sum(parts.values(), searches),
        web_search=searches,
        price_version=price_version(),
        model=found.model.id,
        by_model=by_model,
        context=dict(context),
        multipliers={} if factor == 1 else {"inference_geo": factor},
        reason="refused_before_output" if refused else None,
    )


def _context(usage: Usage) -> Context | None:
    """What picks the price; None if `usage` has a mode or a region whose price is not known, or cannot be read."""
    speed = _CONTEXTS.get(("speed", usage.speed))
    tier = _CONTEXTS.get(("service_tier", usage.service_tier))
    unread = usage.misfits.keys() & {"speed", "service_tier", "inference_geo", "iterations"}
    if speed is None or tier is None or usage.inference_geo not in _GEOS or unread:
        return None
    return {**speed, **tier}


def _find(model: str, at: datetime, contexts: tuple[Context, ...]) -> "PriceCalculation | None":
    """The price of `model` in the first of `contexts` that it has; prices change by the day, so a minute is exact."""
    return _found(model, at.replace(second=0, microsecond=0), tuple(tuple(context.items()) for context in contexts))


@lru_cache(maxsize=64)
def _found(model: str, at: datetime, contexts: tuple[tuple[tuple[str, str], ...], ...]) -> "PriceCalculation | None":
    from genai_prices import Usage as NoTokens
    from genai_prices import calc_price

    for context in map(dict, contexts):
        for provider in _PROVIDERS if "claude" in model.lower() else ():  # others match by parts of a name
            try:
                found = calc_price(
                    NoTokens(), model, provider_id=provider, genai_request_timestamp=at, price_context=context
                )
            except LookupError:
                continue
            if not context or _has_variant(found, at, context):
                return found
            break  # calc_price falls back to the standard price without a word
    return None


def _has_variant(found: "PriceCalculation", at: datetime, context: Context) -> bool:
    return found.provider.id == "anthropic" and any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(at))
        for variant in found.model.price_variants or ()
    )


def _samplings(usage: Usage, model: str, context: Context) -> Iterator[_Sampling]:
    """The iterations, as the totals leave out compaction and advisor; without them the totals."""
    slow = {key: value for key, value in context.items() if key != "speed"}
    counted = [one for one in usage.iterations or () if _has_tokens(one) or not _is_readable(one)]
    fell_back = any(one.type == "fallback_message" for one in counted)
    for one in counted:
        if fell_back and one.type == "message" and not one.output_tokens:
            continue  # this model refused before any output
        contexts = (context,) if one.model in (None, model) else (context, slow)  # fast only where the model has it
        yield _Sampling(one, one.model or model, (slow,) if one.type == "advisor_message" else contexts)
    if not counted and _has_tokens(usage):
        yield _Sampling(usage, model, (context,))


def _has_tokens(tokens: Tokens) -> bool:
    return tokens.total_input_tokens is not None or tokens.output_tokens is not None


def _is_readable(tokens: Tokens) -> bool:
    """Whether each count that was reported is one: the price of one that is not is unknown, not 0."""
    return not _COUNTS & tokens.misfits.keys() and not (tokens.cache_creation and tokens.cache_creation.misfits)


def _price(sampling: _Sampling, usage: Usage, at: datetime) -> _Priced | None:
    """None if its model or a count is unknown, or a part that has tokens has no price."""
    from genai_prices.types import calc_unit_price

    if not _is_readable(sampling.tokens):
        return None
    if (found := _find(sampling.model, at, sampling.contexts)) is None:
        return None
    factor = Decimal(1)
    if found.provider.id == "anthropic" and _SINCE_4_6.match(found.model.id):
        factor = _GEOS[usage.inference_geo]
    parts: dict[str, Decimal] = {}
    for part, count in _counts(sampling.tokens).items():
        rate = getattr(found.model_price, _RATES[part])
        if count and rate is None:
            return None
        # a tier is reached by the whole prompt and then holds for all its tokens
        parts[part] = factor * calc_unit_price(rate, count, sampling.tokens.total_input_tokens or 0, 1_000_000)
    return _Priced(found.model.id, factor, parts)


def _counts(tokens: Tokens) -> dict[str, int]:
    write_5m, write_1h = tokens.cache_writes or (0, 0)
    return {
        "input": tokens.input_tokens or 0,
        "cache_write_5m": write_5m,
        "cache_write_1h": write_1h,
        "cache_read": tokens.cache_read_input_tokens or 0,
        "output": tokens.output_tokens or 0,
    }


def _searches(usage: Usage, found: "PriceCalculation") -> Decimal | None:
    from genai_prices.types import calc_unit_price

    if "server_tool_use" in usage.misfits or (usage.server_tool_use and usage.server_tool_use.misfits):
        return None
    count = (usage.server_tool_use and usage.server_tool_use.web_search_requests) or 0
    price = found.model_price.web_searches_kcount
    return None if count and price is None else calc_unit_price(price, count, 0, 1000)
