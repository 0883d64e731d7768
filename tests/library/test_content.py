"""Content blocks as people read them, whatever they hold."""

import time
from typing import Any

import pytest

from mitmclaude.library.content import blocks_of, compact, pretty, prompt_of, role_of, size, text_of, without_reminders

REMINDER = "<system-reminder>\nbe kind\n</system-reminder>\n"


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "text", "text": "hi"}, "hi"),
        ({"type": "text", "text": 5}, ""),
        ({"type": "thinking", "thinking": "hm"}, "hm"),
        ({"type": "redacted_thinking", "data": "x"}, "[thinking that only the API can read]"),
        ({"type": "tool_use", "input": {"a": 1}}, '{"a":1}'),
        ({"type": "tool_result", "content": "out"}, "out"),
        ({"type": "tool_result", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
        ({"type": "tool_result"}, ""),
        ({"type": "image", "source": {"media_type": "image/png", "data": "A" * 4000}}, "[image, image/png 3 KB]"),
        ({"type": "image", "source": {"type": "url", "url": "http://x"}}, "[image, url]"),
        ({"type": "document"}, "[document, unknown]"),
        ({"type": "new_kind", "x": 1, "cache_control": {}}, '{"x":1}'),
        ({"type": None, "x": 1}, '{"x":1}'),
    ],
)
def test_text_of_a_block(block: dict[str, Any], text: str) -> None:
    """Texts as they are, results by their texts, all else in short."""
    assert text_of(block) == text


def test_messages_of_any_shape() -> None:
    """A content that is a text is one block; what is no content has none."""
    assert blocks_of({"content": "hi"}) == [{"type": "text", "text": "hi"}]
    assert blocks_of({"content": [1, {"type": "text"}]}) == [{"type": "text"}]
    odds: list[Any] = [None, 5, [], {}, {"content": 5}]
    for odd in odds:
        assert blocks_of(odd) == []
        assert role_of(odd) == ""


def test_reminders() -> None:
    """What the client adds is left out and counted, also where it does not end; a person's words stay."""
    assert without_reminders(f"{REMINDER}hello {REMINDER}there") == ("hello there", 2)
    assert without_reminders("<system-reminder>and so on") == ("", 1)
    assert without_reminders("1 < 2 <system>") == ("1 < 2 <system>", 0)
    began = time.monotonic()
    without_reminders("<system-reminder>" * 100_000)
    assert time.monotonic() - began < 5


def test_the_prompt() -> None:
    """The first words of a person: no reminder, no result of a tool, no message of the client."""
    messages = [
        {"role": "system", "content": "environment"},
        {"role": "user", "content": [{"type": "tool_result", "content": "x"}, {"type": "text", "text": REMINDER}]},
        {"role": "user", "content": f"{REMINDER}do it"},
    ]
    assert prompt_of(messages) == "do it"
    assert prompt_of(None) == prompt_of([]) == prompt_of(messages[:2]) == ""


def test_json_nested_deep() -> None:
    """It is written all the same, in one line."""
    deep: Any = []
    for _ in range(600):
        deep = [deep]
    assert compact(deep) == pretty(deep) == "[" * 601 + "]" * 601
    assert pretty({"a": 1}) == '{\n  "a": 1\n}'


def test_sizes() -> None:
    """In the unit that suits."""
    assert [size(count) for count in (0, 999, 12_345, 1_400_000)] == ["0 B", "999 B", "12 KB", "1.4 MB"]
