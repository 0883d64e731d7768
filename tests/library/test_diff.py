"""What differs in two requests is told by part, and in a text by word."""

from copy import deepcopy
from typing import Any

from mitmclaude.library.diff import Change, diff, of_body, of_record, stat
from mitmclaude.library.difference import Line, difference, words
from tests.library.calls import body_of, record_of, said, tool, use, user

Json = dict[str, Any]
MESSAGES = [user("hello"), said("hi"), user("read a.py")]


def told(changes: list[Change]) -> list[str]:
    return [f"{change.section}: {change.label} {change.kind}" for change in changes]


def marked(line: Line) -> str:
    """A line with its sign; words that are gone in [- -], new ones in {+ +}."""
    signs = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
    sign, pieces = line
    return sign + "".join(signs[piece.sign].format(piece.text) if sign == "~" else piece.text for piece in pieces)


def compared(before: Json, after: Json, *betas: str) -> list[Change]:
    return diff(of_body(before, ()), of_body(after, betas))


def test_the_same() -> None:
    """There is nothing to tell, also where only the billing line is another."""
    other = body_of(MESSAGES)
    other["system"][0]["text"] = "x-anthropic-billing-header: cch=1;"
    assert compared(body_of(MESSAGES), other) == []
    assert stat([]) == []


def test_settings() -> None:
    """By their path, betas by name, breakpoints by place."""
    other = body_of(MESSAGES, ttl="1h", output_config={"effort": "high"}, temperature=1)
    del other["stream"]
    changes = compared(body_of(MESSAGES), other, "beta-1")
    assert told(changes) == [
        "settings: output_config.effort edited",
        "settings: stream removed",
        "settings: breakpoints edited",
        "settings: temperature added",
        "settings: beta beta-1 added",
    ]
    assert [marked(line) for line in changes[0].lines] == ["-medium", "+high"]
    assert marked(changes[2].lines[0]) == ("~system block 1{+ (1h)+}, system block 2{+ (1h)+}, last message{+ (1h)+}")


def test_system_and_tools() -> None:
    """System blocks in their order, tools by their name."""
    other = body_of(MESSAGES, tools=[tool("Bash", 61), tool("Read"), tool("mcp__jira")])
    other["system"][1]["text"] = "You are Claude Code, at your service."
    changes = compared(body_of(MESSAGES), other)
    assert told(changes) == [
        "system: system block 1 edited",
        "tools: Bash edited",
        "tools: Edit removed",
        "tools: mcp__jira added",
    ]
    assert [marked(line) for line in changes[0].lines] == ["~You are Claude Code{+, at your service+}."]
    moved = body_of(MESSAGES, tools=[tool("Edit"), tool("Bash"), tool("Read")])
    assert told(compared(body_of(MESSAGES), moved)) == ["tools: in another order moved"]


def test_messages() -> None:
    """What the next call adds; an edit in the midst; a tool call by its input."""
    more = [*MESSAGES, said("I will", use("Read", 1, file_path="a.py")), user("next")]
    changes = compared(body_of(MESSAGES), body_of(more))
    assert told(changes) == ["messages: message 4, assistant added", "messages: message 5, user added"]
    assert [marked(line) for line in changes[0].lines] == ["+I will", "+[Read]", "+{", '+  "file_path": "a.py"', "+}"]
    edited = deepcopy(more)
    edited[3]["content"][1]["input"]["file_path"] = "b.py"
    (change,) = compared(body_of(more), body_of(edited))
    assert [marked(line) for line in change.lines] == ["…", " {", '~  "file_path": "[-a-]{+b+}.py"', " }"]
    assert stat([change]) == [("messages", {"edited": 1, "+": 1, "-": 1})]


def test_stat_counts_characters() -> None:
    """Of what is added, gone and edited, by section."""
    more = [*MESSAGES, said("12345"), user("123")]
    assert dict(stat(compared(body_of(MESSAGES), body_of(more))))["messages"] == {"added": 2, "+": 8, "-": 0}


def test_records_alone() -> None:
    """Without raw flows it is told what differs by hashes, and texts where a record has them."""
    one, other = body_of(MESSAGES), body_of([*MESSAGES, said("a"), user("next")], tools=[tool("Bash"), tool("Read", 3)])
    other["system"][1]["text"] = "Another."
    records = [
        of_record(record_of(body, {"input_tokens": 1}, (), number, number=number))
        for number, body in enumerate((one, other))
    ]
    changes = diff(*records)
    assert told(changes) == [
        "system: system block 1 edited",
        "tools: Edit removed",
        "tools: Read edited",
        "messages: message 4 added",
        "messages: message 5, user added",
    ]
    assert changes[0].lines == changes[2].lines == changes[3].lines == ()
    assert [marked(line) for line in changes[4].lines] == ["+next"]


def test_difference_of_texts() -> None:
    """Changed lines with one around them; many that are the same are left out; what has no likeness is not mixed."""
    before = "\n".join(["a", "b", "c", "d the quick fox", "e", "f", "g"])
    after = before.replace("quick", "slow").replace("g", "g\nh")
    assert [marked(line) for line in difference(before, after)] == [
        "…", " c", "~d the [-quick-]{+slow+} fox", " e", "…", " g", "+h",
    ]  # fmt: skip
    assert [marked(line) for line in difference("some words", "12345 67")] == ["-some words", "+12345 67"]
    assert difference("x", "x") == []
    assert [piece.text for piece in words("a b", "a c")] == ["a ", "b", "c"]


def test_a_large_difference_takes_no_minutes() -> None:
    """Texts of a megabyte with other words in each line are told by lines."""
    before = "\n".join(f"line {i} with some words" for i in range(40_000))
    assert len(difference(before, before.replace("some", "other"))) == 80_000


def test_texts_that_repeat_take_no_minutes() -> None:
    """Lines, words and messages that are all alike."""
    difference("x\ny\n" * 20_000, "y\nz\nx\n" * 15_000)
    difference("x\ny\n" * 140, "y\nz\nx\n" * 95)
    words("a b " * 1000, "b a " * 1000)
    same = [user("x")] * 20_000
    assert len(compared(body_of(same), body_of([user("y"), *same[1:]]))) < 100
