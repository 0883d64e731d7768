"""What is told of the prompt cache equals what was planted in it, and nothing is told of normal turns."""

import random
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from mitmclaude.library.causes import CONTINUED
from mitmclaude.library.explain import Explained, explain, totals
from mitmclaude.record.record import Record
from mitmclaude.request.session import Session
from tests.library.calls import Talk, body_of, record_of, text, tool, user
from tests.library.model import PromptCache

Json = dict[str, Any]
Plant = Callable[[Talk, random.Random], None]


def started(seed: int = 0, *, turns: int | None = None, **settings: Any) -> tuple[Talk, random.Random]:
    """A session of some normal turns."""
    chance = random.Random(seed)
    talk = Talk()
    talk.settings = settings
    talk.call(user("<system-reminder>be kind</system-reminder>", f"do thing {seed}"))
    for _ in range(turns if turns is not None else chance.randint(2, 8)):
        normal(talk, chance)
    return talk, chance


def normal(talk: Talk, chance: random.Random) -> None:
    """A turn of one of the forms that turns have, which reads all that the one before left."""
    match chance.randrange(3):
        case 0:
            talk.call(user(f"and then {talk.number}"), wait=chance.uniform(2, 200))
        case 1:
            talk.round(chance.randint(1, 8), wait=chance.uniform(2, 200))
        case _:
            talk.call(user("more"), {"role": "system", "content": "a reminder " * chance.randint(1, 9)}, wait=5)
            talk.messages[-2] = {"role": "system", "content": talk.messages[-2]["content"]}  # a text from now on


def edited(talk: Talk, index: int) -> None:
    talk.messages[index] = {**talk.messages[index], "content": [text(f"something else {talk.number} " * 30)]}


def plant_tools_added(talk: Talk, _: random.Random) -> None:
    talk.settings |= {"tools": [tool("Bash"), tool("Edit"), tool("Read"), tool("mcp__jira")]}
    talk.call(user("next"))


def plant_tools_reordered(talk: Talk, _: random.Random) -> None:
    talk.settings |= {"tools": [tool("Read"), tool("Edit"), tool("Bash")]}
    talk.call(user("next"))


def plant_model(talk: Talk, _: random.Random) -> None:
    talk.settings |= {"model": "claude-fable-5"}
    talk.call(user("next"))


def plant_speed(talk: Talk, _: random.Random) -> None:
    talk.settings |= {"speed": "fast"}
    talk.call(user("next"))


def plant_system(talk: Talk, _: random.Random) -> None:
    body = body_of([user("x")], ttl=talk.settings.get("ttl"))
    body["system"][2]["text"] = "Today is another day. " * 120
    talk.settings |= {"system": body["system"]}
    talk.call(user("next"))


def plant_tool_choice(talk: Talk, _: random.Random) -> None:
    talk.settings |= {"tool_choice": {"type": "any"}}
    talk.call(user("next"))


def plant_effort(talk: Talk, _: random.Random) -> None:
    talk.settings |= {"output_config": {"effort": "high"}}
    talk.call(user("next"))


def plant_image(talk: Talk, _: random.Random) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 9}}
    talk.call(user(image, "look"))


def plant_message_edited(talk: Talk, chance: random.Random) -> None:
    texts = [i for i, one in enumerate(talk.messages[:-1]) if one["role"] == "user" and "image" not in str(one)]
    edited(talk, chance.choice(texts))
    talk.call(user("next"))


def plant_message_removed(talk: Talk, _: random.Random) -> None:
    del talk.messages[1]
    talk.call(user("next"))


def plant_message_inserted(talk: Talk, _: random.Random) -> None:
    talk.messages.insert(1, user(f"<system-reminder>and be brief {talk.number}</system-reminder>"))
    talk.call(user("next"))


def plant_first_message_edited(talk: Talk, _: random.Random) -> None:
    edited(talk, 0)
    talk.call(user("next"))


def plant_pause(talk: Talk, chance: random.Random) -> None:
    talk.call(user("next"), wait=chance.uniform(300, 9000))


def plant_lookback(talk: Talk, chance: random.Random) -> None:
    talk.round(chance.randint(10, 30))


def plant_concurrent(talk: Talk, _: random.Random) -> None:
    talk.call(user("long " * 50), first_byte=30.0, wait=20)
    talk.messages.pop()
    talk.call(wait=3)


def plant_trailing_system(talk: Talk, _: random.Random) -> None:
    talk.call(user("next"), {"role": "system", "content": "only for now " * 20})
    del talk.messages[-2]
    talk.call(user("and next"))


def plant_not_requested(talk: Talk, _: random.Random) -> None:
    body = body_of([*talk.messages, user("next")])
    for part in (*body["system"], body["messages"][-1]["content"][-1]):
        part.pop("cache_control", None)
    talk.now += 10
    talk.messages.append(user("next"))
    talk._keep(body, talk.cache.call(body, talk.now), (text("ok"),), 1.0)


PLANTS: dict[str, tuple[Plant, str, str]] = {
    "a tool added": (plant_tools_added, "tools", "tools added: mcp__jira"),
    "tools in another order": (plant_tools_reordered, "tools", "tools in another order"),
    "another model": (plant_model, "model", "claude-opus-5 → claude-fable-5"),
    "fast mode": (plant_speed, "speed", "speed: not set → fast"),
    "a system block": (plant_system, "system", "system block 2 of 2 edited"),
    "tool_choice": (plant_tool_choice, "settings", "tool_choice: not set → any"),
    "effort": (plant_effort, "settings", "effort: medium → high"),
    "a first image": (plant_image, "settings", "images: not set → True"),
    "a message edited": (plant_message_edited, "messages", "edited"),
    "a message removed": (plant_message_removed, "messages", "message 2 of"),
    "a message inserted": (plant_message_inserted, "messages", "message 2 of"),
    "the first message edited": (plant_first_message_edited, "messages", "message 1 of"),
    "a pause": (plant_pause, "ttl", "its cache lives 5 min"),
    "many blocks in one turn": (plant_lookback, "lookback", "the API looks 19 back"),
    "two at once": (plant_concurrent, "concurrent", "it began 3.0 s after a call whose answer began after 30.0 s"),
    "a system message at the end": (plant_trailing_system, "trailing_system", "is gone"),
    "no breakpoint": (plant_not_requested, "not_requested", "no breakpoint"),
}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_miss(name: str, seed: int) -> None:
    """Its cause is named, its tokens are those that the cache had, and no other call of the session is a miss."""
    plant, cause, detail = PLANTS[name]
    talk, chance = started(seed)
    before = len(talk.records)
    plant(talk, chance)
    planted = talk.records[-1]
    assert planted.usage is not None
    had = talk.records[-2].usage
    assert had is not None
    for _ in range(3):
        normal(talk, chance)
    told = explain(talk.records)
    misses = [one for one in told if one.is_miss]
    assert [(one.call, one.cause) for one in misses] == [(planted.id, cause)], [(before, one) for one in misses]
    assert detail in misses[0].detail
    left = (had.cache_read_input_tokens or 0) + (had.cache_write_tokens or 0)
    read, prompt = planted.usage.cache_read_input_tokens or 0, planted.usage.total_input_tokens or 0
    assert misses[0].missed == min(left, prompt) - read > 0
    assert misses[0].waste_usd is not None
    assert misses[0].waste_usd > 0


@pytest.mark.parametrize("seed", range(100))
def test_normal_turns_are_silent(seed: int) -> None:
    """Nothing is a miss in a session that goes on as sessions do."""
    chance = random.Random(seed)
    talk, _ = started(seed, turns=chance.randint(5, 25), **({"ttl": "1h"} if seed % 3 == 0 else {}))
    assert [one for one in explain(talk.records) if one.is_miss] == []
    assert all(one.cause == "hit" for one in explain(talk.records)[1:])


@pytest.mark.parametrize("seed", range(40))
def test_a_long_session_with_many_misses(seed: int) -> None:
    """Each of many plants, in any order, is found by its name; nothing else is."""
    talk, chance = started(seed)
    wanted = []
    for name in chance.sample(sorted(set(PLANTS) - {"another model"}), 8):
        plant, cause, _ = PLANTS[name]
        plant(talk, chance)
        wanted.append((talk.records[-1].id, cause, name))
        talk.call(user("go on"), wait=9)  # what follows two calls at once can be read again
        for _ in range(chance.randint(0, 4)):
            normal(talk, chance)
    told = {one.call: one.cause for one in explain(talk.records) if one.is_miss}
    unseen = [(call, name, told.get(call)) for call, cause, name in wanted if told.get(call) != cause]
    assert unseen == []
    assert len(told) == len(wanted)


def test_what_is_no_miss() -> None:
    """Going back, a retry, a side call, a sub-agent, an hour's cache after ten minutes, and a failed call."""
    talk, _ = started(1, ttl="1h")
    kept = deepcopy(talk.messages)
    talk.call(user("a"))
    talk.call(user("b"))
    talk.messages = kept
    talk.call(user("c instead of a"), wait=700)
    child = Talk(talk.cache, Session("16a12cbc-7cfc-4762-81db-599793e31975", "a1", None), start=talk.now)
    child.call(user("a task of its own"))
    child.round(2)
    title: Json = {"tools": [], "system": [text("Make a title")]}
    side = body_of([user("c instead of a, as a title")], **title)
    for part in (*side["system"], side["messages"][-1]["content"][-1]):
        part.pop("cache_control", None)
    talk.records.append(record_of(side, talk.cache.call(side, talk.now + 2), (text("T"),), talk.now + 2, number=900))
    error = {"type": "overloaded_error", "message": "Overloaded"}
    failed = record_of(
        body_of([*talk.messages, user("d")]), None, (), talk.now + 10, number=901, status=529, error=error
    )
    talk.records.append(failed)
    talk.call(user("d"), wait=30)
    told = explain([*talk.records, *child.records])
    assert [one for one in told if one.is_miss] == []
    assert failed.id not in [one.call for one in told]
    causes = [one.cause for one in told]
    assert causes.count("not_requested") == 1
    assert causes.count("first") == 2


def answered_record(talk: Talk, usage: Json, at: float, new: Json, **message: Any) -> Record:
    """One more call, whose usage and answer are given."""
    talk.messages.append(new)
    body = body_of(talk.messages, **talk.settings)
    return record_of(body, usage, (text("ok"),), talk.now + at, number=999, **message)


def answered(talk: Talk, usage: Json, at: float, new: Json, **message: Any) -> Explained:
    """The verdict on it."""
    return explain([*talk.records, answered_record(talk, usage, at, new, **message)])[-1]


def dropped(talk: Talk) -> Json:
    return {"input_tokens": 10, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 5000, "output_tokens": 1}


@pytest.mark.parametrize(
    ("reason", "cause", "detail"),
    [
        ({"type": "tools_changed"}, "tools", "the API says tools_changed"),
        ({"type": "unavailable"}, "api_said", "the API says unavailable"),
        ({"type": "previous_message_not_found"}, "api_said", "the API says previous_message_not_found"),
        ({"type": 5}, "api_said", "the API says 5"),
        (None, "unknown", "prompt, settings and time leave no cause"),
        ("x", "unknown", "prompt, settings and time leave no cause"),
    ],
)
def test_the_api_says_why(reason: Any, cause: str, detail: str) -> None:
    """The API's own diagnosis, where a client asked for it, goes first."""
    talk, _ = started(3)
    told = answered(talk, dropped(talk), 20, user("x"), diagnostics={"cache_miss_reason": reason})
    assert (told.cause, told.detail) == (cause, detail)


def test_context_editing_and_compaction() -> None:
    """What the API took out of the history, and what Claude Code put in its place."""
    talk, _ = started(3)
    edits = {"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 3}]}
    told = answered(talk, dropped(talk), 20, user("x"), context_management=edits)
    assert (told.cause, told.detail) == ("context_edit", "the API edited the history: clear_tool_uses_20250919")
    talk, _ = started(3)
    usage = dropped(talk) | {"iterations": [{"type": "compaction", "input_tokens": 5, "output_tokens": 1}]}
    assert answered(talk, usage, 20, user("x")).cause == "compaction"


def test_a_prompt_that_is_too_short() -> None:
    """It asks for a cache and gets none: that is told, and is no miss."""
    talk = Talk()
    talk.settings = {"tools": [], "system": []}
    talk.call(user("hi"))
    talk.call(user("ho"))
    told = explain(talk.records)
    assert {(one.cause, one.missed) for one in told} == {("too_short", 0)}
    assert "claude-opus-5 caches from 512 on" in told[0].detail


def test_old_models_drop_their_thinking() -> None:
    """A user's text after thinking is the cause with models of before Opus 4.5."""
    talk, _ = started(3, model="claude-sonnet-4-0")
    talk.call(user("think"), answer=({"type": "thinking", "thinking": "hm", "signature": "s"}, text("ok")))
    told = answered(talk, dropped(talk), 20, user("x"))
    assert (told.cause, told.certainty) == ("thinking", "likely")


def test_a_text_that_becomes_a_list() -> None:
    """Where nothing else is a cause, the form of a message is."""
    talk, _ = started(3, turns=1)
    talk.messages[0] = {"role": "user", "content": "hello"}
    talk.call(user("x"))
    talk.messages[0] = user("hello")
    told = answered(talk, dropped(talk), 20, user("y"))
    assert (told.cause, told.detail) == ("messages", "message 1 is sent as a list of blocks, before as a plain text")


def test_waste_in_dollars() -> None:
    """What was written in the place of read costs 1.25 of the input's price in the place of 0.1; for an hour 2."""
    for ttl, factor in (("5m", Decimal("1.15")), ("1h", Decimal("1.9"))):
        talk, _ = started(4, ttl=ttl)
        plant_system(talk, random.Random(0))
        (miss,) = (one for one in explain(talk.records) if one.is_miss)
        assert miss.waste_usd == miss.missed * factor * Decimal(5) / 1_000_000  # $5 per million tokens of input


def test_an_unknown_price() -> None:
    """It is told as unknown, and counted."""
    talk, chance = started(4, model="some-model-5")
    plant_pause(talk, chance)
    (miss,) = (one for one in explain(talk.records) if one.is_miss)
    assert miss.waste_usd is None
    told = totals(explain(talk.records))
    assert (told.waste_usd, told.unpriced, told.missed) == (Decimal(0), 1, miss.missed)


def test_totals() -> None:
    """Sums by cause and by agent, the hit rate of all, and by the gap since the call before."""
    talk, chance = started(5)
    plant_pause(talk, chance)
    plant_system(talk, chance)
    plant_message_removed(talk, chance)
    told = explain(talk.records)
    sums = totals(told)
    assert {one.cause: one.calls for one in sums.by_cause} == {"ttl": 1, "system": 1, "messages": 1}
    assert sums.missed == sum(one.missed for one in told)
    assert sums.waste_usd == sum(one.waste_usd or 0 for one in told)
    assert sums.hit_rate is not None
    assert 0 < sums.hit_rate < 1
    assert sum(calls for _, calls, _ in sums.by_gap) == len(told) - 1
    assert [one.cause for one in totals(told, "agent_id").by_cause] == ["main"]
    assert totals([]).hit_rate is None


def test_the_cache_of_the_tests_knows_the_rules() -> None:
    """20 positions are looked at, the breakpoint being the first: a turn of 19 blocks is read, one of 20 is not."""
    for blocks, is_read in ((18, True), (19, False)):  # with the answer before them
        talk = Talk(PromptCache())
        talk.call(user("hi"))
        left = talk.records[-1].usage
        assert left is not None
        talk.call(user(*(f"part {i} " * 9 for i in range(blocks))))
        usage = talk.records[-1].usage
        assert usage is not None
        assert (usage.cache_read_input_tokens == left.cache_write_tokens) is is_read


def test_another_workspace() -> None:
    """Each has a cache of its own; the answer's headers name it."""
    talk, _ = started(3)
    before = talk.records[-1]
    last = answered_record(talk, dropped(talk), 20, user("x"))
    for name, told in (("anthropic-workspace-id", "workspace"), ("Anthropic-Organization-Id", "organization")):
        calls = [with_header(before, name, "a"), with_header(last, name, "b")]
        (miss,) = (one for one in explain([*talk.records[:-1], *calls]) if one.is_miss)
        assert (miss.cause, miss.detail) == ("workspace", f"another {told}, which has a cache of its own")


def with_header(call: Record, name: str, value: str) -> Record:
    assert call.response is not None
    return call.model_copy(update={"response": call.response.model_copy(update={"headers": [(name, value)]})})


def test_a_speed_that_was_not_given() -> None:
    """Where fast mode falls back, the request is the same, and the usage tells."""
    talk, _ = started(3)
    told = answered(talk, dropped(talk) | {"speed": "standard"}, 20, user("x"))
    assert (told.cause, told.detail) == ("speed", "answered at standard speed, before at None")


def test_a_summary_of_claude_code() -> None:
    """It takes the place of the history: what is new in it could not be read, so it is no miss."""
    talk, _ = started(3)
    talk.messages = []
    talk.call(user(f"{CONTINUED} that ran out of context."))
    assert [one.cause for one in explain(talk.records)][-1] == "first"
    assert not any(one.is_miss for one in explain(talk.records))


def test_a_summary_that_keeps_the_last_messages() -> None:
    """Where a part of the history stays after the summary, that part is paid for once more."""
    talk, _ = started(3)
    talk.messages = [user(f"{CONTINUED} that ran out of context."), talk.messages[-3], user("go on")]
    talk.call()
    assert [one.cause for one in explain(talk.records) if one.is_miss] == ["compaction"]


def test_settings_that_perhaps_matter() -> None:
    """They are named where nothing else is a cause, as likely."""
    talk, _ = started(3)
    talk.settings |= {"context_management": {"edits": []}}
    told = answered(talk, dropped(talk), 20, user("x"))
    assert (told.cause, told.certainty) == ("settings", "likely")
    assert told.detail.startswith("context_management: not set")


@pytest.mark.parametrize(("ttl", "lives"), [(None, 300), ("1h", 3600)])
def test_the_moment_an_entry_expires(ttl: str | None, lives: int) -> None:
    """A second before it the entry is read; at it, the cause is named."""
    for wait, causes in ((lives - 1, []), (lives, ["ttl"]), (lives + 1, ["ttl"])):
        talk, _ = started(6, ttl=ttl)
        talk.call(user("next"), wait=wait)
        assert [one.cause for one in explain(talk.records) if one.is_miss] == causes


def test_the_last_block_that_is_found() -> None:
    """19 blocks after the cached end it is read, 20 blocks after it is a miss, whose cause is named."""
    for blocks, causes in ((18, []), (19, ["lookback"])):  # with the answer before them
        talk, _ = started(6)
        talk.call(user(*(f"part {i} " * 9 for i in range(blocks))))
        assert [one.cause for one in explain(talk.records) if one.is_miss] == causes
