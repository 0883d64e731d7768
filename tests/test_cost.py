"""Costs, each against a calculation by hand from the price list of November 2026."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from mitmclaude import cost
from mitmclaude.cost import Cost
from mitmclaude.usage import Usage

AT = datetime(2026, 11, 20, tzinfo=UTC)
M = 1_000_000


def price(model: str, at: datetime = AT, **reported: Any) -> Cost | None:
    return cost.of(Usage.model_validate(reported), model, at)


def priced(model: str, at: datetime = AT, **reported: Any) -> Cost:
    found = price(model, at, **reported)
    assert found is not None
    assert found.total == sum(found.model_dump(include=set(PARTS)).values())
    assert found.total == found.web_search + sum(found.by_model.values())
    return found


PARTS = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output", "web_search")
ALL = {
    "input_tokens": 1000,
    "cache_creation_input_tokens": 5000,
    "cache_creation": {"ephemeral_5m_input_tokens": 3000, "ephemeral_1h_input_tokens": 2000},
    "cache_read_input_tokens": 40_000,
    "output_tokens": 600,
}
# by hand, in dollars per million: model, usage, {part: tokens x rate}
HAND: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "opus 5.5: 4/20, writes 5/8, read 0.20": (
        "claude-opus-5-5",
        ALL,
        {
            "input": "0.004",
            "cache_write_5m": "0.015",
            "cache_write_1h": "0.016",
            "cache_read": "0.008",
            "output": "0.012",
        },
    ),
    "sonnet 4.6: 3/15, writes 3.75/6, read 0.30": (
        "claude-sonnet-4-6",
        ALL,
        {
            "input": "0.003",
            "cache_write_5m": "0.01125",
            "cache_write_1h": "0.012",
            "cache_read": "0.012",
            "output": "0.009",
        },
    ),
    "fable 5.1: read at 0.025x": ("claude-fable-5-1", {"cache_read_input_tokens": M}, {"cache_read": "0.25"}),
    "fable 5: read at 0.1x": ("claude-fable-5", {"cache_read_input_tokens": M}, {"cache_read": "1"}),
    "write without split is 5m": (
        "claude-opus-5-5",
        {"input_tokens": 0, "cache_creation_input_tokens": 1000},
        {"cache_write_5m": "0.005"},
    ),
    "split without total": (
        "claude-opus-5-5",
        {"cache_creation": {"ephemeral_1h_input_tokens": 1000}},
        {"cache_write_1h": "0.008"},
    ),
    "total grew behind a 5m split": (
        "claude-opus-5-5",
        {"cache_creation_input_tokens": 3000, "cache_creation": {"ephemeral_5m_input_tokens": 1000}},
        {"cache_write_5m": "0.015"},
    ),
    "total grew behind a 1h split": (
        "claude-opus-5-5",
        {
            "cache_creation_input_tokens": 3000,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1000},
        },
        {"cache_write_1h": "0.024"},
    ),
    "total below the split": (
        "claude-opus-5-5",
        {"cache_creation_input_tokens": 0, "cache_creation": {"ephemeral_5m_input_tokens": 1200}},
        {},
    ),
    "one token": ("claude-haiku-5-5", {"cache_read_input_tokens": 1}, {"cache_read": "0.00000001"}),
    "thinking is within output": (
        "claude-opus-5-5",
        {"output_tokens": 1000, "output_tokens_details": {"thinking_tokens": 900}},
        {"output": "0.02"},
    ),
    "web search: 10 a thousand, fetch is free": (
        "claude-opus-5-5",
        {"input_tokens": 1000, "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 9}},
        {"input": "0.004", "web_search": "0.03"},
    ),
    "fast: 8/40, writes 10/16, read 0.40": (
        "claude-opus-5-5",
        {**ALL, "speed": "fast"},
        {
            "input": "0.008",
            "cache_write_5m": "0.03",
            "cache_write_1h": "0.032",
            "cache_read": "0.016",
            "output": "0.024",
        },
    ),
    "fast opus 5: 10/50": (
        "claude-opus-5",
        {"input_tokens": 1000, "output_tokens": 1000, "speed": "fast"},
        {"input": "0.01", "output": "0.05"},
    ),
    "batch is half, searches are not": (
        "claude-opus-5-5",
        {**ALL, "service_tier": "batch", "server_tool_use": {"web_search_requests": 1}},
        {
            "input": "0.002",
            "cache_write_5m": "0.0075",
            "cache_write_1h": "0.008",
            "cache_read": "0.004",
            "output": "0.006",
            "web_search": "0.01",
        },
    ),
    "US: 1.1x on tokens, not on searches": (
        "claude-opus-5-5",
        {**ALL, "inference_geo": "us", "server_tool_use": {"web_search_requests": 1}},
        {
            "input": "0.0044",
            "cache_write_5m": "0.0165",
            "cache_write_1h": "0.0176",
            "cache_read": "0.0088",
            "output": "0.0132",
            "web_search": "0.01",
        },
    ),
    "US and fast stack": (
        "claude-opus-5-5",
        {"input_tokens": 1000, "speed": "fast", "inference_geo": "us"},
        {"input": "0.0088"},
    ),
    "US before 4.6 is not dearer": (
        "claude-sonnet-4-5",
        {"input_tokens": 1000, "inference_geo": "us"},
        {"input": "0.003"},
    ),
    "elsewhere": ("claude-opus-5-5", {"input_tokens": 1000, "inference_geo": "global"}, {"input": "0.004"}),
    "priority at list price": (
        "claude-opus-5-5",
        {"input_tokens": 1000, "service_tier": "priority"},
        {"input": "0.004"},
    ),
    "haiku 5.5 at 100k: 0.10/0.50": (
        "claude-haiku-5-5",
        {"input_tokens": 10_000, "cache_read_input_tokens": 90_000, "output_tokens": 1000},
        {"input": "0.001", "cache_read": "0.0009", "output": "0.0005"},
    ),
    "haiku 5.5 above 100k: 5x for all": (
        "claude-haiku-5-5",
        {"input_tokens": 10_001, "cache_read_input_tokens": 90_000, "output_tokens": 1000},
        {"input": "0.0050005", "cache_read": "0.0045", "output": "0.0025"},
    ),
    "haiku 5.5 above 100k by cache writes": (
        "claude-haiku-5-5",
        {
            "cache_creation_input_tokens": 200_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 100_000, "ephemeral_1h_input_tokens": 100_000},
        },
        {"cache_write_5m": "0.0625", "cache_write_1h": "0.1"},
    ),
    "compaction is not in the totals": (
        "claude-opus-5-5",
        {
            "input_tokens": 23_000,
            "output_tokens": 1000,
            "iterations": [
                {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500},
                {"type": "message", "input_tokens": 23_000, "output_tokens": 1000},
            ],
        },
        {"input": "0.812", "output": "0.09"},
    ),
    "advisor at its own model, never fast": (
        "claude-opus-5-5",
        {
            "speed": "fast",
            "iterations": [
                {"type": "message", "input_tokens": 1000, "output_tokens": 100},
                {"type": "advisor_message", "model": "claude-fable-5-2", "input_tokens": 1000, "output_tokens": 100},
            ],
        },
        {"input": "0.016", "output": "0.008"},
    ),
    "fallback after some output: each at its own model": (
        "claude-opus-4-8",
        {
            "iterations": [
                {"type": "message", "model": "claude-fable-5", "input_tokens": 1000, "output_tokens": 10},
                {"type": "fallback_message", "model": "claude-opus-4-8", "input_tokens": 1000, "output_tokens": 100},
            ]
        },
        {"input": "0.015", "output": "0.003"},
    ),
    "fallback before output: the first model is free": (
        "claude-opus-4-8",
        {
            "iterations": [
                {"type": "message", "model": "claude-fable-5", "input_tokens": 1000, "output_tokens": 0},
                {"type": "fallback_message", "model": "claude-opus-4-8", "input_tokens": 1000, "output_tokens": 100},
            ]
        },
        {"input": "0.005", "output": "0.0025"},
    ),
    "fast fallback to a model without it": (
        "claude-opus-5-5",
        {
            "speed": "fast",
            "iterations": [
                {"type": "message", "input_tokens": 1000, "output_tokens": 10},
                {"type": "fallback_message", "model": "claude-sonnet-5-5", "input_tokens": 1000, "output_tokens": 100},
            ],
        },
        {"input": "0.01", "output": "0.0014"},
    ),
    "no output without a fallback is charged": (
        "claude-opus-5-5",
        {"iterations": [{"type": "message", "input_tokens": 1000, "output_tokens": 0}]},
        {"input": "0.004"},
    ),
    "tier by iteration, not by sum": (
        "claude-haiku-5-5",
        {
            "input_tokens": 180_000,
            "iterations": [
                {"type": "message", "input_tokens": 90_000, "output_tokens": 0},
                {"type": "message", "input_tokens": 90_000, "output_tokens": 0},
            ],
        },
        {"input": "0.018"},
    ),
    "cache split of an iteration": (
        "claude-opus-5-5",
        {
            "iterations": [
                {
                    "type": "message",
                    "cache_creation_input_tokens": 2000,
                    "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 1000},
                }
            ]
        },
        {"cache_write_5m": "0.005", "cache_write_1h": "0.008"},
    ),
    "no iterations": ("claude-opus-5-5", {"input_tokens": 1000, "iterations": []}, {"input": "0.004"}),
    "iterations without counts": (
        "claude-opus-5-5",
        {"input_tokens": 1000, "iterations": [{"type": "message"}]},
        {"input": "0.004"},
    ),
}


@pytest.mark.parametrize(("model", "reported", "by_hand"), HAND.values(), ids=HAND)
def test_by_hand(model: str, reported: dict[str, Any], by_hand: dict[str, str]) -> None:
    """Each part is what the calculation by hand gives."""
    found = priced(model, **reported)
    assert {part: value for part in PARTS if (value := getattr(found, part))} == {
        part: Decimal(value) for part, value in by_hand.items()
    }


@pytest.mark.parametrize(
    ("model", "reported"),
    [
        ("gpt-unknown", {"input_tokens": 1}),
        ("claude-opus-99", {"input_tokens": 1}),
        ("", {"input_tokens": 1}),
        ("claude-opus-5-5", {}),
        ("claude-opus-5-5", {"input_tokens": None, "output_tokens": None}),
        ("claude-opus-5-5", {"input_tokens": -1, "output_tokens": "x"}),
        ("claude-opus-5-5", {"input_tokens": True, "output_tokens": 5}),
        ("claude-opus-5-5", {"input_tokens": -5, "cache_read_input_tokens": "9", "output_tokens": 1000}),
        ("claude-opus-5-5", {"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": "2"}}),
        ("claude-opus-5-5", {"input_tokens": 1, "server_tool_use": {"web_search_requests": True}}),
        ("claude-opus-5-5", {"input_tokens": 1, "server_tool_use": 7}),
        ("claude-opus-5-5", {"input_tokens": 1, "iterations": [{"input_tokens": 1}, {"output_tokens": True}]}),
        ("claude-opus-5-5", {"server_tool_use": {"web_search_requests": 1}}),
        ("claude-opus-5-5", {"input_tokens": 1, "iterations": "x"}),
        ("claude-opus-5-5", {"input_tokens": 1, "iterations": [{"input_tokens": 1, "model": "new-model"}]}),
        ("claude-opus-5-5", {"input_tokens": 1, "speed": "slow"}),
        ("claude-opus-5-5", {"input_tokens": 1, "speed": 1}),
        ("claude-opus-5-5", {"input_tokens": 1, "service_tier": "gold"}),
        ("claude-opus-5-5", {"input_tokens": 1, "inference_geo": "moon"}),
        ("claude-opus-5-5", {"input_tokens": 1, "speed": "fast", "service_tier": "batch"}),
        ("claude-sonnet-5-5", {"input_tokens": 1, "speed": "fast"}),
        ("claude-opus-4-1", {"input_tokens": 1, "service_tier": "batch"}),
        ("claude-2", {"input_tokens": 1, "cache_read_input_tokens": 1}),
        ("claude-3-haiku", {"input_tokens": 1, "server_tool_use": {"web_search_requests": 1}}),
    ],
)
def test_unknown_price_is_none(model: str, reported: dict[str, Any]) -> None:
    """What has no known price costs None: a model, a mode, a region, a part, a count that is none, or no counts at all."""
    assert price(model, **reported) is None


@pytest.mark.parametrize(
    ("name", "model", "input_rate"),
    [
        ("claude-opus-5-5", "claude-opus-5-5", "4"),
        ("CLAUDE-OPUS-5-5", "claude-opus-5-5", "4"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "3"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5", "1"),
        ("claude-opus-4-8[1m]", "claude-opus-4-8", "5"),
        ("anthropic/claude-opus-5-5", "claude-opus-5-5", "4"),
        ("us.anthropic.claude-opus-4-8-v1:0", "regional.anthropic.claude-opus-4-8-v1:0", "5.5"),
        ("global.anthropic.claude-opus-4-8-v1:0", "global.anthropic.claude-opus-4-8-v1:0", "5"),
        ("bedrock/global.anthropic.claude-opus-4-8-v1:0", "global.anthropic.claude-opus-4-8-v1:0", "5"),
    ],
)
def test_model_names(name: str, model: str, input_rate: str) -> None:
    """A model is found by its names at the API, at gateways and at Bedrock, with the prices there."""
    found = priced(name, input_tokens=1000)
    assert found.model == model
    assert found.input == Decimal(input_rate) / 1000


@pytest.mark.parametrize(
    "name", ["claude-opus-99", "my-claude-opus-4-8", "team/claude-opus-4-8", "claude", "gpt-4o", "x" * 10_000, "\x00"]
)
def test_names_are_not_guessed(name: str) -> None:
    """A name that only looks like a model has no price."""
    assert price(name, input_tokens=1) is None


def test_no_fast_price_at_bedrock() -> None:
    """The price of fast mode is the API's; elsewhere it is unknown."""
    assert price("us.anthropic.claude-opus-4-8-v1:0", input_tokens=1, speed="fast") is None


def test_prices_have_dates() -> None:
    """Prices are those of the moment: Sonnet 4.6 cost twice above 200k tokens until March 2026."""
    reported: dict[str, Any] = {"input_tokens": 300_000}
    assert priced("claude-sonnet-4-6", datetime(2026, 3, 1, tzinfo=UTC), **reported).total == Decimal("1.8")
    assert priced("claude-sonnet-4-6", datetime(2026, 4, 1, tzinfo=UTC), **reported).total == Decimal("0.9")


def test_batch_price_has_a_date() -> None:
    """The list has batch prices since 14 October 2026; a batch before has an unknown price, not the full one."""
    reported: dict[str, Any] = {"input_tokens": 1000, "service_tier": "batch"}
    assert priced("claude-opus-5-5", datetime(2026, 10, 14, tzinfo=UTC), **reported).total == Decimal("0.002")
    assert price("claude-opus-5-5", datetime(2026, 10, 13, tzinfo=UTC), **reported) is None


@pytest.mark.parametrize(
    ("stop_reason", "output_started", "total", "reason"),
    [
        ("refusal", False, "0", "refused_before_output"),
        ("refusal", True, "0.0042", None),
        ("end_turn", False, "0.0042", None),
        (None, False, "0.0042", None),
    ],
)
def test_refusal_before_output(stop_reason: str | None, output_started: bool, total: str, reason: str | None) -> None:
    """A refusal before any output costs nothing, whatever the counts, and says so."""
    used = Usage.model_validate({"input_tokens": 1000, "output_tokens": 10})
    found = cost.of(used, "claude-opus-5-5", AT, stop_reason=stop_reason, output_started=output_started)
    assert found is not None
    assert (found.total, found.reason) == (Decimal(total), reason)


def test_what_was_applied() -> None:
    """A cost says by which prices it came about."""
    found = priced(
        "claude-opus-5-5",
        speed="fast",
        inference_geo="us",
        iterations=[
            {"type": "message", "input_tokens": 1000},
            {"type": "advisor_message", "model": "claude-fable-5-2", "input_tokens": 1000},
        ],
    )
    assert found.context == {"speed": "fast"}
    assert found.multipliers == {"inference_geo": Decimal("1.1")}
    assert found.by_model == {"claude-opus-5-5": Decimal("0.0088"), "claude-fable-5-2": Decimal("0.0088")}
    assert (found.model, found.currency, found.basis) == ("claude-opus-5-5", "USD", "list")
    assert found.price_version == cost.price_version() == f"genai-prices {genai_prices.__version__}"


def test_json() -> None:
    """Amounts are plain decimal strings in JSON, without exponent, and come back exact."""
    found = priced("claude-haiku-5-5", cache_read_input_tokens=1)
    assert '"total":"0.00000001"' in found.model_dump_json()
    assert '"by_model":{"claude-haiku-5-5":"0.00000001"}' in found.model_dump_json()
    assert Cost.model_validate_json(found.model_dump_json()) == found


MODELS = [model.id for provider in get_snapshot().providers if provider.id == "anthropic" for model in provider.models]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("tokens", [1000, 300_000])
def test_equals_genai_prices(model: str, tokens: int) -> None:
    """For every model the parts sum to the total that genai-prices calculates from the same counts itself."""
    reported: dict[str, Any] = {"input_tokens": tokens, "output_tokens": 7}
    theirs = genai_prices.Usage(input_tokens=tokens, output_tokens=7)
    if model not in ("claude-2", "claude-v1"):
        split = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
        reported |= {"cache_creation_input_tokens": 50, "cache_creation": split, "cache_read_input_tokens": 11}
        theirs = genai_prices.Usage(
            input_tokens=tokens + 61,
            cache_write_tokens=50,
            cache_write_5m_tokens=20,
            cache_write_1h_tokens=30,
            cache_read_tokens=11,
            output_tokens=7,
        )
    expected = genai_prices.calc_price(theirs, model, provider_id="anthropic", genai_request_timestamp=AT)
    assert priced(model, **reported).total == expected.total_price


OLD = {"claude-2", "claude-v1", "claude-haiku-4-5", "claude-opus-4-0", "claude-opus-4-1", "claude-opus-4-5"}
OLD |= {"claude-sonnet-4-0", "claude-sonnet-4-5"} | {model for model in MODELS if model.startswith("claude-3-")}


@pytest.mark.parametrize("model", MODELS)
def test_us_multiplier_of_every_model(model: str) -> None:
    """Every model of the list since 4.6 is dearer in the US, no older one; a new model id must be looked at here."""
    found = priced(model, input_tokens=1000, inference_geo="us")
    assert found.multipliers == ({} if model in OLD else {"inference_geo": Decimal("1.1")})


counts = st.one_of(st.none(), st.integers(-3, 2**60), st.text(max_size=2), st.floats(allow_nan=False))
tokens = st.sampled_from(["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"])
splits = st.dictionaries(st.sampled_from(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]), counts)
sampled = st.dictionaries(tokens, counts) | st.builds(lambda split: {"cache_creation": split}, splits | counts)


@given(sampled, st.lists(sampled, max_size=3), st.sampled_from(["claude-opus-5-5", "claude-haiku-5-5"]))
def test_never_negative(reported: dict[str, Any], iterations: list[dict[str, Any]], model: str) -> None:
    """Whatever the counts are nothing raises, and no part is negative."""
    found = price(model, **reported, iterations=iterations)
    assert found is None or all(getattr(found, part) >= 0 for part in PARTS)


def test_import_is_lazy() -> None:
    """Importing the module loads neither prices nor anything of the network."""
    code = (
        "import sys, mitmclaude.cost; print(*(n for n in sys.modules if n.split('.')[0] in ('genai_prices', 'httpx')))"
    )
    addons = Path(cost.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", code], cwd=addons, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
