"""What fills the window adds up to what the API counted, and names what is there twice."""

from typing import Any

from mitmclaude.library.context import Context, context
from mitmclaude.library.history import history
from tests.library.calls import Talk, body_of, result, said, text, tool, use, user

Json = dict[str, Any]
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 99}}


def body() -> Json:
    return body_of(
        [
            user("<system-reminder>be kind</system-reminder>\n", "read a.py " * 20),
            said(
                {"type": "thinking", "thinking": "hm " * 30, "signature": "s"},
                text("I read"),
                use("Read", 1, file_path="a.py"),
            ),
            user(result(1, "line\n" * 200)),
            said(use("Read", 2, file_path="a.py"), use("Bash", 3, command="ls")),
            user(result(2, "line\n" * 200), result(3, "a.py\n" * 20), PNG),
            {"role": "system", "content": "remember " * 20},
        ]
    )


def names(made: Context, group: str) -> list[str]:
    return [part.name for part in made.parts if part.group == group]


def test_every_part_is_there() -> None:
    """System blocks, tools by name, messages by kind, results by tool."""
    made = context(body(), 9000, 200_000)
    assert names(made, "system")[0].startswith("block 2: Be brief.")
    assert sorted(names(made, "tools")) == ["Bash", "Edit", "Read"]
    assert sorted(names(made, "messages")) == [
        "assistant text", "images", "reminders of the client", "thinking", "tool calls", "user text",
    ]  # fmt: skip
    assert names(made, "results") == ["Read", "Bash"]
    assert sum(part.items for part in made.parts if part.name == "Read" and part.group == "results") == 2


def test_the_parts_are_the_whole() -> None:
    """They add up to the API's count; without one to a quarter of the characters."""
    made = context(body(), 9000, 200_000)
    assert abs(sum(part.tokens for part in made.parts) - 9000) <= len(made.parts)
    assert (made.total, made.is_counted) == (9000, True)
    guessed = context(body(), None, None)
    assert abs(sum(part.tokens for part in guessed.parts) - guessed.total) <= len(guessed.parts)
    assert not guessed.is_counted


def test_a_file_that_was_read_twice() -> None:
    """It is named with what the second time takes; reading parts of a file is not reading it twice."""
    twice = body()
    twice["messages"] += [said(use("Read", 4, file_path="b.py")), user(result(4, "once"))]
    made = context(twice, None, None)
    assert [(again.path, again.times) for again in made.again] == [("a.py", 2)]
    assert made.again[0].tokens == 250
    parts = body()
    for message in parts["messages"]:
        for block in message["content"]:
            if isinstance(block, dict) and block["type"] == "tool_use":
                block["input"] |= {"offset": 5}
    assert context(parts, None, None).again == ()


def test_deferred_tools_take_no_room() -> None:
    """They are outside of the prompt."""
    deferred = body() | {"tools": [tool("Bash"), tool("Later") | {"defer_loading": True}]}
    assert names(context(deferred, None, None), "tools") == ["Bash"]


def test_from_records_alone() -> None:
    """The messages are put together from the session's records; the rest of the count is system prompt and tools."""
    talk = Talk()
    talk.call(user("hello"), answer=(text("hi"),))
    talk.call(user("more " * 100), answer=(use("Read", 1, file_path="x"),))
    last = talk.call(user(result(1, "data " * 300)))
    messages = history(talk.records, last)
    assert None not in messages
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant", "user"]
    assert last.usage is not None
    made = context({"messages": messages}, last.usage.total_input_tokens, None, has_rest=True)
    assert made.parts[-1].group == "rest"
    assert made.of("rest") > 1000
    assert sum(part.tokens for part in made.parts) == made.total
    assert history(talk.records[-1:], last)[:4] == [None] * 4


def test_odd_bodies() -> None:
    """Whatever a body holds, it is counted somewhere or left out."""
    for odd in (
        {},
        {"system": "x", "messages": "y", "tools": {}},
        {"messages": [1, {"content": [1, {}]}], "tools": [1, {}]},
    ):
        context(odd, 5, None)
