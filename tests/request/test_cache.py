"""What a record keeps of a request's prompt cache."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitmclaude.request.cache import BILLING, LONGEST, MOST_BREAKPOINTS, Cache, cached

REQUESTS = Path(__file__).parents[1] / "fixtures" / "requests"
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def request(name: str) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads((REQUESTS / f"{name}.json").read_bytes())
    return body


def of(body: dict[str, Any], *betas: str) -> Cache:
    return cached(body, betas).cache


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def test_a_real_request() -> None:
    """A captured request has a hash for each part, its tools' names, and the three breakpoints of Claude Code."""
    body = request("cc_cache_1h")
    cache = of(body)
    assert len(cache.system) == len(body["system"]) - 1
    assert [name for name, _ in cache.tools] == [tool["name"] for tool in body["tools"]]
    assert len(cache.messages) == len(cache.blocks) == len(body["messages"])
    assert cache.breakpoints == (
        {"segment": "system", "index": 0, "ttl": "1h"},
        {"segment": "system", "index": 1, "ttl": "1h"},
        {"segment": "messages", "index": 1, "block": 0, "ttl": "1h"},
    )
    assert cache.settings is not None
    assert cache.settings["effort"] == "medium"
    assert set(cache.settings) == {"thinking", "effort", "context_management"}


def test_the_scope_of_a_breakpoint_is_kept() -> None:
    """The first party's breakpoint on the system prompt that all share has its scope."""
    breakpoints = of(request("cc_first_party_gzip")).breakpoints
    assert breakpoints is not None
    assert breakpoints[0] == {"segment": "system", "index": 1, "scope": "global"}


@pytest.mark.parametrize(
    ("name", "most"),
    [("cc_system_prompt_no_tools", 350), ("cc_subagent", 550), ("cc_print_simple", 650), ("cc_loop_260kb", 1400)],
)
def test_it_is_small(name: str, most: int) -> None:
    """A typical turn takes some hundred bytes; each message adds 13."""
    assert len(of(request(name), "beta-1").model_dump_json()) <= most


def test_the_billing_line_is_left_out() -> None:
    """The system block that changes with every request has no hash, and blocks are counted without it."""
    first, second = ({"system": [text(f"{BILLING} cch={n};"), text("You are X", cache_control=MARK)]} for n in (1, 2))
    assert of(first) == of(second)
    assert len(of(first).system) == 1
    assert of(first).breakpoints == ({"segment": "system", "index": 0},)
    assert of({"system": f"{BILLING} alone"}).system == ()


def test_breakpoints_do_not_change_hashes() -> None:
    """The next turn's hashes begin with this turn's, though the breakpoint has moved on."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": [text("out", cache_control=MARK)]}
    turn = [user(text("a", cache_control=HOUR)), user(result)]
    following = copy.deepcopy(turn)
    del following[0]["content"][0]["cache_control"]
    del following[1]["content"][0]["content"][0]["cache_control"]
    following.append(user(text("c", cache_control=MARK)))
    one, two = of({"messages": turn}), of({"messages": following})
    assert two.messages[:2] == one.messages
    assert len(set(two.messages)) == 3
    assert one.breakpoints == (
        {"segment": "messages", "index": 0, "block": 0, "ttl": "1h"},
        {"segment": "messages", "index": 1, "block": 0},
    )
    assert two.breakpoints == ({"segment": "messages", "index": 2, "block": 0},)


def test_a_body_is_not_changed() -> None:
    """The body keeps its breakpoints: it is only read."""
    body = request("cc_loop_260kb")
    before = copy.deepcopy(body)
    cached(body)
    assert body == before


def test_breakpoints_of_tools_and_of_the_request() -> None:
    """A tool may have one, and so may the body itself, whose place is for the API to choose; a null is none."""
    body = {"tools": [{"name": "a"}, {"name": "b", "cache_control": HOUR}], "cache_control": MARK, "messages": []}
    assert of(body).breakpoints == ({"segment": "tools", "index": 1, "ttl": "1h"}, {"segment": "request"})
    assert of({"cache_control": None, "tools": [{"name": "a", "cache_control": None}]}).breakpoints == ()


@pytest.mark.parametrize("change", ["system", "tools", "messages"])
def test_hashes_tell_a_change(change: str) -> None:
    """A changed system prompt, tool or message has another hash, and nothing else has."""
    body: dict[str, Any] = {"system": "s", "tools": [{"name": "t"}], "messages": [user(text("a"))]}
    other = {"system": "S", "tools": [{"name": "t", "x": 1}], "messages": [user(text("A"))]}[change]
    before, after = of(body), of({**body, change: other})
    assert {f for f in ("system", "tools", "messages") if getattr(before, f) != getattr(after, f)} == {change}


def test_the_order_of_keys_counts() -> None:
    """The API's prefix is exact: a tool whose schema is written in another order is another one."""
    assert of({"tools": [{"name": "t", "a": 1, "b": 2}]}) != of({"tools": [{"name": "t", "b": 2, "a": 1}]})


def test_a_text_and_its_block_have_one_hash() -> None:
    """The same text, once as a string and once as a list of one block, differs in `blocks` alone."""
    string, block = of({"messages": [{"role": "user", "content": "a"}]}), of({"messages": [user(text("a"))]})
    assert string.messages == block.messages
    assert (string.blocks, block.blocks) == ((None,), (1,))
    assert of({"system": "s"}).system == of({"system": [text("s")]}).system


def test_deferred_tools_have_no_hash() -> None:
    """A deferred tool is no part of the prompt: it is named, without a hash."""
    tools = of({"tools": [{"name": "a", "defer_loading": True}, {"name": "b"}]}).tools
    assert tools[0] == ("a", None)
    assert tools[1][1] is not None


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({"tool_choice": {"type": "auto"}}, {"tool_choice": "auto"}),
        ({"output_config": {"effort": "high"}}, {"effort": "high"}),
        ({"speed": "fast"}, {"speed": "fast"}),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {"web_search": True}),
        ({"messages": [user({"type": "image", "source": {}})]}, {"images": True}),
        ({"messages": [user({"type": "tool_result", "content": [{"type": "image"}]})]}, {"images": True}),
        ({"messages": [user({"type": "tool_use", "input": {"x": {"type": "image"}}})]}, {}),
        ({"messages": [user({"type": "document", "citations": {"enabled": True}})]}, {"citations": True}),
        ({"messages": [user({"type": "document", "citations": {"enabled": False}})]}, {}),
        ({"thinking": None, "tool_choice": None}, {}),
    ],
)
def test_settings(more: dict[str, Any], settings: dict[str, Any]) -> None:
    """What is short stands as it is; what is not set is absent."""
    assert of(more).settings == settings


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("thinking", {"thinking": {"type": "enabled", "budget_tokens": 1}}, {"thinking": {"type": "adaptive"}}),
        ("tool_choice", {"tool_choice": {"type": "tool", "name": "a"}}, {"tool_choice": {"type": "tool", "name": "b"}}),
        ("output_format", {"output_config": {"format": {"schema": 1}}}, {"output_format": {"schema": 2}}),
        ("context_management", {"context_management": {"edits": [1]}}, {"context_management": {"edits": []}}),
        ("effort", {"output_config": {"effort": "x" * 99}}, {"output_config": {"effort": "y" * 99}}),
    ],
)
def test_a_changed_setting_is_told(name: str, one: dict[str, Any], two: dict[str, Any]) -> None:
    """What is longer has a hash that tells a change."""
    found = [of(body).settings or {} for body in (one, two)]
    assert [set(settings) for settings in found] == [{name}, {name}]
    assert found[0] != found[1]
    assert len(orjson.dumps(found[0])) < 70


def test_betas_count_in_any_order() -> None:
    """The betas of the headers are one hash, whatever their order."""
    assert of({}, "a", "b") == of({}, "b", "a") != of({}, "a")


def test_what_a_client_chooses_is_bounded() -> None:
    """Long names become a hash, and of many breakpoints the first are kept."""
    blocks = [text("a", cache_control={"ttl": "t" * 999, "scope": "s" * 999})] * 99
    cache = of({"tools": [{"name": "n" * 999}], "messages": [user(*blocks)]})
    assert len(cache.tools[0][0]) < LONGEST
    assert cache.breakpoints is not None
    assert len(cache.breakpoints) == MOST_BREAKPOINTS
    assert len(cache.model_dump_json()) < 2000


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(["type", "text", "content", "cache_control", "ttl", "name", "citations", "enabled", "format"])
shaped = st.recursive(json_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))
fields = st.sampled_from(["system", "tools", "messages", "thinking", "tool_choice", "output_config", "cache_control"])


@given(st.dictionaries(fields, shaped))
def test_any_shape(body: dict[str, Any]) -> None:
    """A body of any shape has a cache, which comes back from its JSON as it was."""
    cache, written = cached(body)
    assert Cache.model_validate_json(cache.model_dump_json()) == cache
    assert len(written) == len(cache.messages) == len(cache.blocks)
