"""A conversation is put together from records: each message once, in order, and edits of the history marked."""

from copy import deepcopy
from typing import Any

import pytest

from mitmclaude.library.causes import CONTINUED
from mitmclaude.library.content import text_of
from mitmclaude.library.conversation import Conversation, agents, conversation
from mitmclaude.request.session import Session
from tests.library.calls import SESSION, Talk, body_of, record_of, result, text, use, user

Json = dict[str, Any]


def told(made: Conversation) -> list[str]:
    """Each entry in a few words."""
    return [
        f"{entry.kind}: {entry.text or ' | '.join(text_of(block) for block in entry.content)}" for entry in made.entries
    ]


def talk() -> Talk:
    made = Talk()
    made.call(user("hello"), {"role": "system", "content": "a reminder"}, answer=(text("hi"),))
    made.messages[1] = {"role": "system", "content": "a reminder"}  # a text from now on, as Claude Code has it
    made.call(user("read it"), answer=(text("I will"), use("Read", 1, file="a.py")))
    made.call(user(result(1, "line 1")), answer=(text("It has one line"),))
    return made


TALK = [
    "message: hello",
    "message: a reminder",
    "answer: hi",
    "message: read it",
    'answer: I will | {"file":"a.py"}',
    "message: line 1",
    "answer: It has one line",
]


def test_each_message_once() -> None:
    """The history that each call repeats is told once, in whatever order the records come."""
    made = talk()
    assert told(conversation(made.records)) == TALK
    assert told(conversation(reversed(made.records))) == TALK
    assert [entry.call for entry in conversation(made.records).entries][-2:] == [made.records[2].id] * 2


def test_the_same_words_twice() -> None:
    """A message that is said again is told again."""
    made = talk()
    made.call(user("hello"), answer=(text("hi"),))
    assert told(conversation(made.records)) == [*TALK, "message: hello", "answer: hi"]


def test_a_retry() -> None:
    """A call that failed is told, and its message once."""
    made = talk()
    error = {"type": "overloaded_error", "message": "Overloaded"}
    made.records.append(
        record_of(body_of([*made.messages, user("next")]), None, (), made.now + 1, number=90, status=529, error=error)
    )
    made.call(user("next"), answer=(text("ok"),))
    assert told(conversation(made.records)) == [
        *TALK, "message: next", "failed: api_error 529 overloaded_error: Overloaded", "answer: ok",
    ]  # fmt: skip


def test_going_back() -> None:
    """A user that takes messages back: what was said stays told, with a mark where the history begins anew."""
    made = talk()
    kept = deepcopy(made.messages)
    made.call(user("wrong way"), answer=(text("yes"),))
    made.call(user("further"), answer=(text("no"),))
    made.messages = kept
    made.call(user("right way"), answer=(text("good"),))
    assert told(conversation(made.records))[len(TALK) + 4 :] == [
        "edit: went back to before message 8: 4 messages from message 8 on are left out",
        "message: right way",
        "answer: good",
    ]


def test_an_edit_of_the_history() -> None:
    """A message that was changed is told as it is now, if a record has it; what stays is not told again."""
    made = talk()
    made.messages[0] = user("hello, in other words")
    made.call(user("next"), answer=(text("ok"),))
    assert told(conversation(made.records))[len(TALK) :] == [
        "edit: the history was edited from message 1 on: 1 gone, 6 kept, 2 that follow",
        "absent: 1 message that no record here holds",
        "message: next",
        "edit: 6 messages as above",
        "answer: ok",
    ]


def test_a_history_that_was_replaced() -> None:
    """After a compaction the conversation goes on, with a mark."""
    made = talk()
    made.messages = []
    made.call(user(f"{CONTINUED} that ran out of context."), answer=(text("going on"),))
    assert told(conversation(made.records))[len(TALK) :] == [
        "edit: the history was replaced: 7 messages gone, 1 message in their place",
        f"message: {CONTINUED} that ran out of context.",
        "answer: going on",
    ]


def test_a_session_whose_beginning_was_not_captured() -> None:
    """What no record holds is counted, in its place."""
    made = talk()
    assert told(conversation(made.records[2:])) == ["absent: 5 messages that no record here holds", *TALK[-2:]]
    without = made.records[1].model_copy(update={"request": made.records[1].request.model_copy(update={"input": None})})
    assert told(conversation([made.records[0], without, made.records[2]]))[3:5] == [
        "absent: 1 message that no record here holds",
        'answer: I will | {"file":"a.py"}',
    ]


def test_a_side_call() -> None:
    """A call with a history of its own is one line."""
    made = talk()
    body = body_of([user("title of hello")], tools=[])
    made.records.append(record_of(body, {"input_tokens": 5, "output_tokens": 1}, (text("Greeting"),), 1, number=80))
    assert "side: title of hello → Greeting" in told(conversation(made.records))
    assert [one for one in told(conversation(made.records)) if not one.startswith("side: ")] == TALK


def with_a_child() -> Talk:
    made = talk()
    made.call(user("delegate"), answer=(use("Agent", 7, prompt="Count the lines", description="count"),))
    child = Talk(made.cache, Session(SESSION, "a77", None), start=made.now)
    child.call(
        user("<system-reminder>be kind</system-reminder>", "Count the lines"), answer=(use("Read", 8, file="b"),)
    )
    child.call(user(result(8, "x\ny")), answer=(text("two"),))
    made.now = child.now
    made.call(user(result(7, "two")), answer=(text("There are two."),))
    made.records += child.records
    return made


def test_a_sub_agent() -> None:
    """It stands after the answer that started it, and has a conversation of its own."""
    made = with_a_child()
    whole = conversation(made.records)
    assert told(whole)[len(TALK) : len(TALK) + 3] == [
        "message: delegate",
        'answer: {"prompt":"Count the lines","description":"count"}',
        "agent: Count the lines",
    ]
    assert [entry.agent_id for entry in whole.entries if entry.kind == "agent"] == ["a77"]
    (child,) = whole.others
    assert (child.calls, child.prompt) == (2, "Count the lines")
    assert told(conversation(made.records, "a77"))[-2:] == ["message: x\ny", "answer: two"]
    with pytest.raises(KeyError):
        conversation(made.records, "a78")


def test_agents() -> None:
    """The main agent first, with what each took."""
    main, child = agents(with_a_child().records)
    assert (main.agent_id, main.calls, main.prompt) == (None, 5, "hello")
    assert main.tokens > child.tokens > 0
    assert main.cost_usd > child.cost_usd > 0
    assert main.unpriced == child.unpriced == 0
