"""Usage: what was reported comes back as it was; counts that can be counts are typed."""

import json
import warnings
from pathlib import Path
from typing import Any

import orjson
import pytest
from anthropic.types.beta import BetaUsage
from hypothesis import given
from hypothesis import strategies as st

from mitmclaude import usage
from mitmclaude.answer.decode import decode
from mitmclaude.answer.fold import fold
from mitmclaude.usage import Usage

HERE = Path(__file__).parent
FULL: dict[str, Any] = {
    "input_tokens": 25,
    "cache_creation_input_tokens": 1200,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 1000},
    "cache_read_input_tokens": 9000,
    "output_tokens": 55,
    "output_tokens_details": {"thinking_tokens": 9},
    "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
    "service_tier": "standard",
    "speed": "fast",
    "inference_geo": "us",
    "iterations": [
        {"type": "compaction", "input_tokens": 1, "output_tokens": 2},
        {"type": "advisor_message", "model": "claude-opus-5-5", "input_tokens": 1, "output_tokens": 2},
    ],
    "fallback_credit": {"status": {"type": "redeemed"}},
}


def of(reported: dict[str, Any]) -> Usage:
    used = usage.of({"usage": reported})
    assert used is not None
    return used


@pytest.mark.parametrize(
    "reported",
    [
        FULL,
        {},
        {"input_tokens": None, "cache_creation": None, "iterations": None},
        {"input_tokens": 1, "new_tokens": 5, "new": {"a": [1]}},
        {"cache_creation": {"ephemeral_24h_input_tokens": 7, "ephemeral_1h_input_tokens": None}},
        {"iterations": [{"type": "new", "new": 1}]},
        {"input_tokens": "25", "output_tokens": True, "cache_read_input_tokens": 1.5},
        {"input_tokens": -1, "output_tokens": 2**60},
        {"cache_creation": 5, "iterations": [1], "server_tool_use": [], "service_tier": 1, "fallback_credit": "x"},
        {"cache_creation": {"ephemeral_5m_input_tokens": "1"}, "iterations": [{"input_tokens": [], "model": 4}]},
        {"model_config": 1, "copy": 2, "misfits": 3, "_misfits": 4, "__class__": 5, "": 6},
    ],
    ids=["full", "empty", "null", "new", "new lifetime", "new iteration", "types", "range", "parts", "deep", "names"],
)
def test_what_was_reported_comes_back(reported: dict[str, Any]) -> None:
    """Absent stays absent, null stays null, unknown and misfit values stay as they came; also through JSON."""
    used = of(reported)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert used.model_dump(exclude_unset=True) == reported
        text = used.model_dump_json(exclude_unset=True)
    assert json.loads(text) == reported
    assert Usage.model_validate_json(text) == used


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([*FULL, "type", "model", "ephemeral_5m_input_tokens", "web_search_requests"])
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    names, json_values | st.dictionaries(names, json_values) | st.lists(st.builds(dict))
)


@given(objects)
def test_anything_comes_back(reported: dict[str, Any]) -> None:
    """Any JSON object is a usage, and comes back as it came."""
    assert of(reported).model_dump(exclude_unset=True) == reported


@pytest.mark.parametrize("value", ["25", True, 1.5, 25.0, -1, 2**60, [], {}], ids=repr)
def test_misfits(value: Any) -> None:
    """A value that is no count reads as None and is set aside."""
    used = of({"input_tokens": value, "output_tokens": 3})
    assert used.input_tokens is None
    assert used.output_tokens == 3
    assert used.misfits == {"input_tokens": value}


def test_typed() -> None:
    """All fields can be read by name."""
    used = of(FULL)
    assert used.cache_creation is not None
    assert used.server_tool_use is not None
    assert used.output_tokens_details is not None
    assert used.iterations is not None
    assert (used.cache_creation.ephemeral_1h_input_tokens, used.server_tool_use.web_search_requests) == (1000, 1)
    assert (used.output_tokens_details.thinking_tokens, used.speed, used.inference_geo) == (9, "fast", "us")
    assert [(one.type, one.model) for one in used.iterations] == [
        ("compaction", None),
        ("advisor_message", "claude-opus-5-5"),
    ]
    assert used.misfits == {}


def test_knows_what_the_sdk_knows() -> None:
    """No field of the SDK's usage is unknown here."""
    assert BetaUsage.model_fields.keys() <= Usage.model_fields.keys()


@pytest.mark.parametrize(
    ("reported", "total", "written"),
    [
        ({}, None, None),
        ({"input_tokens": None}, None, None),
        ({"output_tokens": 5}, None, None),
        ({"input_tokens": 0}, 0, None),
        ({"input_tokens": 1, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300}, 321, 20),
        ({"cache_read_input_tokens": 300}, 300, None),
        (FULL, 10225, 1200),
        ({"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 2}}, 3, 2),
        ({"input_tokens": 1, "cache_creation": {}}, 1, None),
        ({"input_tokens": "1", "cache_read_input_tokens": 300}, 300, None),
    ],
)
def test_total_input_tokens(reported: dict[str, Any], total: int | None, written: int | None) -> None:
    """The prompt is what was not cached, written to and read from the cache; unknown if nothing is reported."""
    assert of(reported).total_input_tokens == total
    assert of(reported).cache_write_tokens == written


@pytest.mark.parametrize("message", [None, {}, {"usage": None}, {"usage": [1]}, {"usage": "x"}], ids=repr)
def test_no_usage(message: Any) -> None:
    """Where no usage object is reported there is none."""
    assert usage.of(message) is None


def test_of_a_stream() -> None:
    """The usage of a folded stream has the split of message_start and the counts of message_delta."""
    used = usage.of(fold(decode((HERE / "fixtures/responses/text.sse").read_bytes())).message)
    assert used is not None
    assert used.cache_creation is not None
    assert (used.output_tokens, used.cache_creation.ephemeral_5m_input_tokens) == (12, 1200)


def test_of_a_body() -> None:
    """The usage of a message that was not streamed."""
    used = usage.of(orjson.loads((HERE / "fixtures/responses/message.json").read_bytes()))
    assert used is not None
    assert used.total_input_tokens == 25 + 1200 + 9000


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        ({"input_tokens": 7, "context_management": {}}, {"input_tokens": 7}),
        ({"input_tokens": "7"}, {"input_tokens": "7"}),
        ({"error": {}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_of_count(answer: Any, reported: Any) -> None:
    """The count of count_tokens is a usage with input tokens only."""
    used = usage.of_count(answer)
    assert (used.model_dump(exclude_unset=True) if used else None) == reported


@pytest.mark.parametrize(
    ("reported", "writes"),
    [
        ({}, None),
        ({"input_tokens": 5}, None),
        ({"cache_creation_input_tokens": 9}, (9, 0)),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}}, (2, 3)),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 3}, "cache_creation_input_tokens": 7}, (0, 7)),
        (
            {
                "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
                "cache_creation_input_tokens": 9,
            },
            (6, 3),
        ),
        ({"cache_creation_input_tokens": True}, None),
    ],
)
def test_cache_writes(reported: dict[str, Any], writes: tuple[int, int] | None) -> None:
    """The split by lifetime adds up to the total, which message_delta brings up to date; None where none is told."""
    assert of(reported).cache_writes == writes
