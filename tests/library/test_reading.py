"""What is read out of messages and rows: titles, texts, hits, trees, short texts, a page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitmclaude.library import page, searching, sessions, shown
from mitmclaude.library.money import exact
from mitmclaude.library.texts import texts
from mitmclaude.library.titles import LONGEST, title
from mitmclaude.record.row import Row, row
from tests.cli.conftest import AT, record

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["role", "content", "text", "input", "tool_use_id", "type"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def user(*blocks: object) -> list[object]:
    return [{"role": "user", "content": list(blocks)}]


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        (user(text("fix  the\ntest")), "fix the test"),
        ([{"role": "user", "content": "hello"}], "hello"),
        (user(text("<system-reminder>\nx\n</system-reminder>"), text("go")), "go"),
        (user(text("<system-reminder>x</system-reminder> go <system-reminder>y</system-reminder>")), "go"),
        (user(text("<system-reminder>never closed")), None),
        (user(text("<command-message>review</command-message><command-name>/review</command-name> <command-args>12</command-args>")), "/review 12"),
        (user(text("a < b")), "a < b"),
        (user({"type": "tool_result", "tool_use_id": "t", "content": "done"}), None),
        ([{"role": "system", "content": "x"}, *user(text("y"))], "y"),
        (user(text("\x1b[2Jx")), "\ufffd[2Jx"),
        (user(text("w" * 500)), "w" * (LONGEST - 1) + "…"),
        (None, None),
        ([], None),
    ],
)  # fmt: skip
def test_title(messages: Any, wanted: str | None) -> None:
    """The first prompt of a person, without what the client adds."""
    assert title(messages) == wanted


@given(JSON)
@settings(deadline=None)
def test_any_shape(value: Any) -> None:
    """Messages of any shape raise nothing."""
    title(value)
    texts(value, value)
    texts(None, {"content": value})


def test_texts() -> None:
    """Prompt, answer and what tools were given and gave, apart; images and signatures are no texts."""
    asked = user(
        text("look"),
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [text("42 files"), {"type": "image", "source": {"data": "AAAA"}}],
        },
    )
    answer = {
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "SIG"},
            text("yes"),
            {"type": "tool_use", "id": "u", "name": "Edit", "input": {"file": "a.py", "lines": [1, {"new": "x = 1"}]}},
        ]
    }
    assert texts(asked, answer) == ("look", "hm\n\nyes", "42 files\n\nEdit\n\na.py\n\nx = 1")


@given(st.text(min_size=1, max_size=12).filter(lambda text: "\x00" not in text))
@settings(deadline=None, max_examples=80)
def test_escaped(words: str) -> None:
    """A text is found as it stands, whatever is a sign of patterns in it."""
    asked = searching.sought(words)
    found = duckdb.execute("select regexp_matches($1, $2)", [f"a{words}b", asked.pattern]).fetchall()
    assert found == [(True,)]
    if asked.literal is None:
        assert duckdb.execute("select regexp_matches($1, $2)", [words.lower(), asked.pattern]).fetchall() == [(True,)]


def test_capitals_count_where_there_are_some() -> None:
    """As people expect it of search tools."""
    assert searching.sought("error").pattern == "(?i)error"
    assert searching.sought("Error").literal == "Error"
    assert searching.sought("42").literal == "42"
    assert searching.sought(r"\W+x", regex=True).pattern == r"(?i)\W+x"
    assert searching.sought("E+x", regex=True) == searching.Sought("E+x", ("prompt", "answer", "tool"))


def test_hits() -> None:
    """A hit is cut out of what is around it, also where the same stands there before it."""
    asked = searching.sought("b", places=("tool",))
    (hit,) = searching.hits(asked, ("id", AT, None, None, None, "x\n\taBc d", "B"))
    assert (hit.place, hit.before, hit.text, hit.after) == ("tool", "x a", "B", "c d")
    assert searching.hits(asked, ("id", AT, None, None, None, "", "")) == []


def call(number: int, agent: str | None = None, parent: str | None = None) -> Row:
    return row(record(number))._replace(agent_id=agent, parent_agent_id=parent, cost_usd=Decimal("0.1"))


def test_tree() -> None:
    """Agents stand below the one that started them, where their first call is in time; sums are of all below."""
    top = sessions.tree([call(0), call(1, "a"), call(2, "b", "a"), call(3), call(4, "a"), call(5, "c", "unknown")])
    assert [(line.depth, line.agent.id if line.agent else line.call and line.call.started_at.microsecond // 1000) for line in sessions.lines(top)] == [
        (0, None), (1, 0), (1, "a"), (2, 1), (2, "b"), (3, 2), (2, 4), (1, 3), (1, "c"), (2, 5),
    ]  # fmt: skip
    assert sessions.total(top.all_calls).cost_usd == Decimal("0.6")
    assert sessions.total(top.agents[0].all_calls).calls == 3


def test_tree_of_strange_parents() -> None:
    """Agents that are each other's parents, or very deep below one another, are there all the same, each once."""
    circle = [call(0, "a", "b"), call(1, "b", "a"), call(2, "c", "c")]
    deep = [call(number, f"n{number}", f"n{number - 1}") for number in range(10, 500)]
    for rows in (circle, deep, circle + deep, []):
        assert sorted(sessions.tree(rows).all_calls) == sorted(rows)


@pytest.mark.parametrize(
    ("number", "wanted"),
    [(None, shown.NONE), (0, "0"), (999, "999"), (1000, "1.0k"), (99_949, "99.9k"), (99_950, "100k"), (999_499, "999k"), (999_500, "1.0M"), (2_000_000_000, "2.0G")],
)  # fmt: skip
def test_count(number: int | None, wanted: str) -> None:
    """Three digits are enough for a look."""
    assert shown.count(number) == wanted


@pytest.mark.parametrize(
    ("duration", "wanted"),
    [(None, shown.NONE), (0.81, "0.81s"), (9.4, "9.4s"), (9.96, "10s"), (59.6, "1m 00s"), (125, "2m 05s"), (12_000, "3h 20m"), (187_200, "2d 4h")],
)  # fmt: skip
def test_seconds(duration: float | None, wanted: str) -> None:
    """A duration in its two largest units."""
    assert shown.seconds(duration) == wanted


def test_money_and_percent() -> None:
    """A lower bound is marked; what is nearly all is not all."""
    assert shown.money(None) == shown.NONE
    assert shown.money(Decimal("0.02434")) == "$0.0243"
    assert shown.money(Decimal("1204.114"), partial=True) == "≥$1,204.11"
    assert [shown.percent(part) for part in (None, 0, 0.001, 0.5, 0.999, 1)] == [
        shown.NONE,
        "0%",
        "<1%",
        "50%",
        "99%",
        "100%",
    ]
    assert shown.model("claude-haiku-4-5-20251001") == "haiku-4-5"
    assert shown.models(["claude-opus-5-5", "x"]) == "opus-5-5 +1"
    assert shown.when(AT, UTC) == "2026-11-22 12:00"


@given(st.decimals(min_value=0, max_value=10**18, places=18))
def test_exact(cost: Decimal) -> None:
    """The same number, without zeros at its end."""
    assert exact(cost) == cost
    assert "." not in format(exact(cost), "f") or not format(exact(cost), "f").endswith("0")
    assert str(exact(100)) == "100"


def test_page() -> None:
    """Names become no markup, and a plot of one day, of nothing and of zeros is drawn."""
    days = [f"{datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=number):%Y-%m-%d}" for number in range(40)]
    evil = "</svg><script>alert(1)</script>"
    plots = [
        page.Plot(evil, days, [page.Series(evil, [float(number) for number in range(40)])], "${}"),
        page.Plot("zeros", days[:1], [page.Series("a", [0.0]), page.Series("b", [None])], "{}s", bars=False),
        page.Plot("nothing", [], [page.Series("a", [])], "{}"),
    ]
    made = page.page(evil, evil, plots, [(evil, page.Table([evil], [[evil]], 1, [evil]))])
    assert "<script" not in made
    assert made.count("<svg") == made.count("</svg>") == 2
