"""The calls of a session fall into threads: by agent, by history, and by what replaced a history."""

from mitmclaude.library.causes import CONTINUED
from mitmclaude.library.threads import common, tail_start, threads
from mitmclaude.request.session import Session
from tests.library.calls import SESSION, Talk, body_of, record_of, result, text, use, user


def test_agents_and_side_calls() -> None:
    """A sub-agent and a title are threads of their own, though they run in between."""
    main = Talk()
    main.call(user("hello"))
    child = Talk(main.cache, Session(SESSION, "a1", None), start=main.now)
    child.call(user("hello"), wait=1)
    side = record_of(body_of([user("title")], tools=[]), {"input_tokens": 1}, (text("t"),), main.now + 2, number=50)
    main.call(user("more"))
    child.call(user("more"), wait=25)
    found = threads([*main.records, *child.records, side])
    assert [[call.id for call in thread.calls] for thread in found] == [
        [call.id for call in main.records],
        [call.id for call in child.records],
        [side.id],
    ]
    assert [thread.has_tools for thread in found] == [True, True, False]


def test_a_history_that_was_replaced_or_edited_stays_a_thread() -> None:
    """An edit at its beginning, and a summary in its place."""
    talk = Talk()
    talk.call(user("hello"), answer=(use("Read", 1, file="x"),))
    talk.call(user(result(1, "x")))
    talk.messages[0] = user("hello, you")
    talk.call(user("more"))
    talk.messages = []
    talk.call(user(f"{CONTINUED}: a summary"))
    assert [len(thread.calls) for thread in threads(talk.records)] == [4]


def test_the_tail() -> None:
    """The messages that a record holds are the last ones."""
    talk = Talk()
    first = talk.call(user("a"), {"role": "system", "content": "b"})
    second = talk.call(user("c"))
    assert (tail_start(first), tail_start(second)) == (0, 3)
    without = second.model_copy(update={"request": second.request.model_copy(update={"input": None})})
    assert tail_start(without) == 4
    assert common(first.request.cache.messages, second.request.cache.messages) == 2
    assert common((), ("a",)) == 0
    assert common(("a", "b"), ("a",)) == 1
