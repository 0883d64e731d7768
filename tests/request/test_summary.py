"""What a record keeps of a request body."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from mitmclaude.depth import MAX_DEPTH
from mitmclaude.request import cache
from mitmclaude.request.summary import INPUT_KEPT, betas, new_input, summarise

REQUESTS = Path(__file__).parents[1] / "fixtures" / "requests"


def user(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text, **more}]}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def test_settings_of_a_real_request() -> None:
    """Model, limits and counts of a captured request of Claude Code."""
    summary = summarise(orjson.loads((REQUESTS / "cc_print_simple.json").read_bytes()))
    assert (summary.model, summary.max_tokens, summary.stream, summary.effort) == (
        "claude-opus-5-5",
        128000,
        True,
        "medium",
    )
    assert summary.tool_count == len(summary.cache.tools) == 12
    assert summary.message_count == len(summary.cache.messages)
    assert len(summary.cache.system) == 2


def test_input_is_what_follows_the_last_assistant_message() -> None:
    """Only what this turn adds is kept; the first turn is kept whole."""
    first, answer, second = user("a"), assistant("b"), user("c")
    assert new_input([first]) == [first]
    assert new_input([first, answer, second, second]) == [second, second]
    assert new_input([first, answer]) == []


def test_large_input_is_not_kept() -> None:
    """An input over the limit is left to the raw flow, with its size told."""
    summary = summarise({"messages": [user("x" * INPUT_KEPT)]})
    assert summary.input is None
    assert summary.input_bytes > INPUT_KEPT


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None, "tools": "x", "system": 5, "output_config": [], "model": 5, "stream": "yes"},
        {"messages": [None, "x", 5, {"role": "user"}, {"content": {}}], "max_tokens": True},
    ],
)
def test_any_shape(body: dict[str, Any]) -> None:
    """A body of any shape has a summary; wrong types are left out, not converted."""
    summary = summarise(body)
    assert summary.model is None
    assert summary.max_tokens is None


def test_betas() -> None:
    """Names of all anthropic-beta headers, in order."""
    assert betas(((b"anthropic-beta", b"a-1, b-2"), (b"x", b"y"), (b"Anthropic-Beta", b"c-3,"))) == (
        "a-1",
        "b-2",
        "c-3",
    )


def test_each_part_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Summary and cache share one JSON of each part: all that is written is about as long as the body."""
    raw = (REQUESTS / "cc_loop_260kb.json").read_bytes()
    written: list[bytes] = []

    def encoded(value: Any) -> bytes:
        written.append(orjson.dumps(value))
        return written[-1]

    monkeypatch.setattr(cache, "encoded", encoded)
    summarise(orjson.loads(raw))
    assert 0.9 * len(raw) < sum(map(len, written)) < 1.1 * len(raw)


def test_deep_input_is_not_kept() -> None:
    """An input that no reader of the record could take is left to the raw flow."""
    deep: list[Any] = []
    for _ in range(MAX_DEPTH):
        deep = [deep]
    summary = summarise({"messages": [{"role": "user", "content": deep}]})
    assert summary.input is None
    assert summary.input_bytes > 2 * MAX_DEPTH
