"""Bodies in, findings out."""

import ast
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from mitmclaude.findings import Finding, drift, violation
from mitmclaude.request.check import (
    MAX_FINDINGS,
    Endpoint,
    MalformedBody,
    check,
    check_error,
    check_message,
    parse,
)

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/fixtures"
REQUESTS = sorted(path for path in (FIXTURES / "requests").glob("*.json") if not path.name.endswith(".meta.json"))
LEAST: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": []}

UNKNOWN = "unknown field"
MISSING = "required field is missing"


def user(*content: object) -> dict[str, Any]:
    """A conforming request but for the blocks of its one message."""
    return {**LEAST, "messages": [{"role": "user", "content": list(content)}]}


# -- parse


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":1}\n \t \t\r\n', {"a": 1}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":1.0e2}', {"a": 100.0}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b"[" * 1024 + b"]" * 1024, None),
    ],
)
def test_parse(body: bytes, value: object) -> None:
    """JSON is read as clients send it: a byte order mark, padding and repeated keys are no fault."""
    assert value is None or parse(body) == value
    parse(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"\xef\xbb\xbf", "the body is empty"),
        (b"secret", "the body is not JSON: it cannot be read at byte 0"),
        (b'{"secret":1}x', "the body is not JSON: it cannot be read at byte 12"),
        (b'{"secret":"\xc3\xa9",}', "the body is not JSON: it cannot be read at byte 14"),
        (b'{"secret":"\n"}', "the body is not JSON: it cannot be read at byte 11"),
        (b'{"secret":"\xff"}', "the body is not UTF-8 at byte 11"),
        (b'\xef\xbb\xbf{"secret":"\xff"}', "the body is not UTF-8 at byte 14"),
        ('{"secret":1}'.encode("utf-16"), "the body is not UTF-8 at byte 0"),
        (b'{"secret":NaN}', "the body is not JSON: NaN and Infinity are no JSON numbers at byte 10"),
        (b'{"secret":Infinity}', "the body is not JSON: NaN and Infinity are no JSON numbers at byte 10"),
        (b'{"secret":-Infinity}', "the body is not JSON: NaN and Infinity are no JSON numbers at byte 11"),
        (b'["secret","\\ud83d"]', "the body is not JSON: a string holds half of a surrogate pair at byte 11"),
        (b'["secret","\\ude00"]', "the body is not JSON: a string holds half of a surrogate pair at byte 11"),
        (b'{"secret":"', "the body is not complete: it ends at byte 11"),
        (b'{"secret":[1,', "the body is not complete: it ends at byte 13"),
        (b'{"secret":tru', "the body is not complete: it ends at byte 13"),
        (b"[" * 10_000, "the body is not readable: nested deeper than 1024 levels at byte 1025"),
        (b'{"secret":' * 10_000, "the body is not readable: nested deeper than 1024 levels at byte 10241"),
    ],
)
def test_parse_names_the_fault_and_its_place_and_quotes_nothing(body: bytes, message: str) -> None:
    """A body that is not JSON gets one clear message with the byte, and none of its text."""
    with pytest.raises(MalformedBody) as raised:
        parse(body)
    assert str(raised.value) == message


def test_parse_reads_a_cut_body_at_no_length() -> None:
    """Cut at any byte, a body is malformed in one of the known ways."""
    whole = '{"a":[true,null,-1.5e3,"é😀\\ud83d\\ude00"],"b":{}}'.encode()
    for end in range(len(whole)):
        with pytest.raises(MalformedBody, match=r"the body is (empty|not complete|not UTF-8|not JSON)"):
            parse(whole[:end])


# -- check: what conforms


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_requests_of_claude_code_conform(path: Path) -> None:
    """Nothing that Claude Code was seen to send is a violation, or new to us."""
    target = json.loads(path.with_suffix(".meta.json").read_text())["target"]
    assert check("count_tokens" if "count_tokens" in target else "messages", parse(path.read_bytes())) == []


@pytest.mark.parametrize(
    "body",
    [
        LEAST,
        {**LEAST, "max_tokens": 0},
        {**LEAST, "max_tokens": 1024.0},
        {**LEAST, "temperature": 1, "top_p": 0.5, "top_k": 5},
        {**LEAST, "system": "s", "tools": [], "stop_sequences": []},
        {**LEAST, "system": [], "thinking": {"type": "adaptive", "display": "updates"}},
        {**LEAST, "safeguards": [{"type": "dangerous_tool_use", "classifier_context": {"v": 1, "any": []}}]},
        {**LEAST, "diagnostics": {"previous_message_id": None}, "resumption": {}, "tags": ["a"], "data_flow": "x"},
        {**LEAST, "cache_control": None, "container": None, "speed": None, "stream": None, "tool_choice": None},
        {**LEAST, "cache_control": {"type": "ephemeral", "ttl": None, "scope": "global"}},
        {**LEAST, "output_format": {"type": "json_schema", "schema": {}}},
        {**LEAST, "metadata": {"user_id": '{"device_id":"d"}'}, "model": "any-model[1m]"},
        {**LEAST, "tools": [{"name": "n", "input_schema": {"anything": [1]}}]},
        {**LEAST, "tools": [{"type": None, "name": "n", "input_schema": {}, "description": None}]},
        {**LEAST, "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]},
        {**LEAST, "messages": [{"role": "user", "content": ""}, {"role": "user", "content": []}]},
        {**LEAST, "messages": [{"role": "system"}, {"role": "system", "content": "s"}]},
        {**LEAST, "messages": [{"role": "system", "content": [], "output_config": {"effort": "medium"}}]},
        user({"type": "tool_use", "id": "i", "name": "n", "input": {"a": {"b": [{}]}}}),
        user({"type": "tool_result", "tool_use_id": "i"}),
        user({"type": "tool_result", "tool_use_id": "i", "content": "c", "is_error": None, "cache_control": None}),
        user({"type": "thinking", "thinking": "", "signature": ""}),
    ],
    ids=str,
)
def test_what_clients_really_send_conforms(body: dict[str, Any]) -> None:
    """What a stricter reading of the SDK's types would refuse, but clients send, is neither violation nor drift."""
    assert check("messages", body) == []


# -- check: violations


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        (None, "", "wanted an object, found null"),
        ([], "", "wanted an object, found a list"),
        ("body", "", "wanted an object, found a string"),
        ({**LEAST, "model": None}, "model", "wanted a string, found null"),
        ({**LEAST, "max_tokens": "many"}, "max_tokens", "wanted a whole number, found a string"),
        ({**LEAST, "max_tokens": True}, "max_tokens", "wanted a whole number, found a boolean"),
        ({**LEAST, "max_tokens": 1.5}, "max_tokens", "wanted a whole number, found a fraction"),
        ({**LEAST, "temperature": True}, "temperature", "wanted a number, found a boolean"),
        ({**LEAST, "stream": "true"}, "stream", "wanted a boolean, found a string"),
        ({**LEAST, "messages": {}}, "messages", "wanted a list, found an object"),
        ({**LEAST, "messages": ["hi"]}, "messages.0", "wanted an object, found a string"),
        ({**LEAST, "messages": [{"content": "hi"}]}, "messages.0.role", MISSING),
        ({**LEAST, "messages": [{"role": ["user"]}]}, "messages.0.role", "wanted a string, found a list"),
        ({**LEAST, "messages": [{"role": "user"}]}, "messages.0.content", MISSING),
        (
            {**LEAST, "messages": [{"role": "user", "content": 5}]},
            "messages.0.content",
            "wanted a string or a list, found a number",
        ),
        ({**LEAST, "metadata": []}, "metadata", "wanted an object, found a list"),
        ({**LEAST, "system": [{"type": "text"}]}, "system.0.text", MISSING),
        ({**LEAST, "thinking": {"type": "enabled"}}, "thinking.budget_tokens", MISSING),
        ({**LEAST, "tools": [{"name": "n"}]}, "tools.0.input_schema", MISSING),
        ({**LEAST, "tools": [{"type": 5, "name": "n"}]}, "tools.0.type", "wanted a string, found a number"),
        ({**LEAST, "tool_choice": {"type": "tool"}}, "tool_choice.name", MISSING),
        ({**LEAST, "stop_sequences": ["a", 1]}, "stop_sequences.1", "wanted a string, found a number"),
        (user(7), "messages.0.content.0", "wanted an object, found a number"),
        (user({"text": "t"}), "messages.0.content.0.type", MISSING),
        (user({"type": None}), "messages.0.content.0.type", "wanted a string, found null"),
        (user({"type": ["text"]}), "messages.0.content.0.type", "wanted a string, found a list"),
        (user({"type": {"a": 1}}), "messages.0.content.0.type", "wanted a string, found an object"),
        (user({"type": "text", "text": {"text": 1}}), "messages.0.content.0.text", "wanted a string, found an object"),
        (
            user({"type": "tool_use", "id": "i", "name": "n", "input": []}),
            "messages.0.content.0.input",
            "wanted an object, found a list",
        ),
        (user({"type": "tool_result"}), "messages.0.content.0.tool_use_id", MISSING),
        (
            user({"type": "tool_result", "tool_use_id": "i", "content": [{"type": "image"}]}),
            "messages.0.content.0.content.0.source",
            MISSING,
        ),
        (
            user({"type": "image", "source": {"type": "base64", "media_type": "image/png"}}),
            "messages.0.content.0.source.data",
            MISSING,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_malformed_body_is_one_violation(body: object, path: str, message: str) -> None:
    """A fault is found once, in its place, and named in our words."""
    assert check("messages", body) == [violation(path, message)]


def test_count_tokens_needs_no_max_tokens() -> None:
    """The two endpoints differ in what they require."""
    body = {"model": "m", "messages": []}
    assert check("count_tokens", body) == []
    assert check("messages", body) == [violation("max_tokens", MISSING)]


def test_each_fault_is_told() -> None:
    """Faults in different places, and drift beside them, are all found; violations come first."""
    body = {
        **user({"type": "text"}, {"type": "hologram"}, {"type": "text", "text": "t", "mood": 1}, 5),
        "stream": 1,
        "dream": 1,
    }
    found = check("messages", body)
    assert {finding.path for finding in found if finding.kind == "violation"} == {
        "messages.0.content.0.text",
        "messages.0.content.3",
        "stream",
    }
    assert {finding.path for finding in found if finding.kind == "drift"} == {
        "dream",
        "messages.0.content.1.type",
        "messages.0.content.2.mood",
    }
    assert [finding.kind for finding in found] == ["violation"] * 3 + ["drift"] * 3


# -- check: drift


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({**LEAST, "new": {"a": 1}}, "new", UNKNOWN),
        ({**LEAST, "metadata": {"new": 1}}, "metadata.new", UNKNOWN),
        ({**LEAST, "service_tier": "gold"}, "service_tier", "unknown value; known: auto, standard_only"),
        ({**LEAST, "thinking": {"type": "dreaming", "depth": 1}}, "thinking.type", "unknown value"),
        ({**LEAST, "tools": [{"type": "laser_20300101"}]}, "tools.0.type", "unknown value"),
        ({**LEAST, "messages": [{"role": "critic", "verdict": 1}]}, "messages.0.role", "unknown value"),
        (
            {**LEAST, "context_management": {"edits": [{"type": "e"}]}},
            "context_management.edits.0.type",
            "unknown value",
        ),
        (
            {**LEAST, "cache_control": {"type": "ephemeral", "ttl": "9m"}},
            "cache_control.ttl",
            "unknown value; known: 5m, 1h",
        ),
        (user({"type": "hologram", "depth": 3}), "messages.0.content.0.type", "unknown value"),
        (user({"type": ""}), "messages.0.content.0.type", "unknown value"),
        (user({"type": "text", "text": "t", "mood": 1}), "messages.0.content.0.mood", UNKNOWN),
        (user({"type": "image", "source": {"type": "ipfs"}}), "messages.0.content.0.source.type", "unknown value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_new_is_drift(body: object, path: str, message: str) -> None:
    """Unknown fields, values, tags and roles are reported and not refused; what is in them is not looked into."""
    assert check("messages", body) == [drift(path, message)]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("k" * 64, "k" * 64),
        ("k" * 100_000, "k" * 63 + "…"),
        ("a\nb\x00\x1b[31m\u2028\u202e", "a�b��[31m��"),
        ("", ""),
        ("<user>", "<user>"),
        ("ключ", "ключ"),
    ],
    ids=["limit", "long", "control", "empty", "bracket", "cyrillic"],
)
def test_keys_of_the_client_are_made_safe_to_show(key: str, shown: str) -> None:
    """A path holds at most 64 characters of a key, and no control characters."""
    assert check("messages", {**LEAST, key: 1}) == [drift(shown, UNKNOWN)]


def test_a_path_holds_no_traces_of_pydantic() -> None:
    """A path is keys and indices of the body, even where a key looks like the arm of a union."""
    block = {"type": "text", "text": "t", "<text>": 1, "text ": 1, "list": 1, "str": 1, "function-wrap[f()]": 1}
    paths = {finding.path.removeprefix("messages.0.content.0.") for finding in check("messages", user(block))}
    assert paths == {"<text>", "text ", "list", "str", "function-wrap[f()]"}


# -- bounds

NAMES = dict.fromkeys(map(str, range(100_000)), 0)


@pytest.mark.parametrize(
    "body",
    [
        {**LEAST, "messages": [0] * 1_000_000},
        {**LEAST, "messages": [{"role": "user", "content": [0] * 1000}] * 1000},
        {**LEAST, "messages": [{"role": "user", "content": [{"type": "text"}]}] * 100_000},
        {**LEAST, "stop_sequences": [0] * 1_000_000},
        {**LEAST, "tools": [{"type": "mcp_toolset", "mcp_server_name": "s", "configs": NAMES}]},
        {**LEAST, **NAMES},
        user(*[{"type": "t"}] * 100_000),
    ],
    ids=["messages", "nested", "blocks", "strings", "names", "fields", "tags"],
)
def test_findings_are_bounded_in_number_and_time(body: dict[str, Any]) -> None:
    """However many faults a body has, a hundred are listed, one says that there are more, and it does not take long."""
    start = time.process_time()
    found = check("messages", body)
    assert time.process_time() - start < 1
    assert len(found) == MAX_FINDINGS + 1
    assert re.fullmatch(r"at least \d+ more like these, not listed", found[-1].message)
    assert found[-1].kind == found[0].kind


def test_a_list_longer_than_a_piece_keeps_its_indices() -> None:
    """Long lists are checked in pieces, and the paths do not show it."""
    turns: list[object] = [{"role": "user", "content": "c"}] * 2500
    turns[10] = {"role": "user", "content": [{"type": "text"}]}
    turns[1000] = {"role": "user", "content": "c", "new": 1}
    turns[2400] = 7
    assert check("messages", {**LEAST, "messages": turns}) == [
        violation("messages.10.content.0.text", MISSING),
        violation("messages.2400", "wanted an object, found a number"),
        drift("messages.1000.new", UNKNOWN),
    ]


def test_drift_does_not_crowd_out_a_violation() -> None:
    """Violations are listed before drift, however much of it there is: they decide whether a request is refused."""
    body = {**user(*[{"type": "t"}] * 300), "max_tokens": "many"}
    found = check("messages", body)
    assert found[0] == violation("max_tokens", "wanted a whole number, found a string")
    assert found[-1] == drift("", "at least 201 more like these, not listed")


def test_long_conforming_lists_are_linear() -> None:
    """Ten times the messages take about ten times as long."""
    turn = {"role": "user", "content": [{"type": "text", "text": "t"}]}

    def seconds(count: int) -> float:
        body = {**LEAST, "messages": [turn] * count}
        return min(timed(lambda: check("messages", body)) for _ in range(3))

    assert seconds(100_000) < 40 * seconds(10_000)


# -- hostile bodies


def nested(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = {"a": [inner]}
    return inner


@pytest.mark.parametrize("where", ["input", "input_schema", "unknown", "opaque", "safeguards", "content", "type"])
def test_deep_nesting_does_no_harm(where: str) -> None:
    """Ten thousand levels, anywhere, end in findings at most."""
    deep = nested(5_000)
    place: dict[str, Callable[[], Any]] = {
        "input": lambda: user({"type": "tool_use", "id": "i", "name": "n", "input": deep}),
        "input_schema": lambda: {**LEAST, "tools": [{"name": "n", "input_schema": deep}]},
        "unknown": lambda: {**LEAST, "new": deep},
        "opaque": lambda: user({"type": "hologram", "of": deep}),
        "safeguards": lambda: {**LEAST, "safeguards": [deep]},
        "content": lambda: user(deep),
        "type": lambda: user({"type": deep}),
    }
    assert len(check("messages", place[where]())) <= 1


HOSTILE: list[object] = [None, True, 0, -1, 1e308, 1 << 70, "", "x", "\x00", [], [[]], {}, {"": {}}, {"type": {}}]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_no_value_anywhere_raises(value: object) -> None:
    """Any JSON value in any place is answered with findings."""
    for check_any in (check_message, check_error):
        assert all(finding.kind == "drift" for finding in check_any(value))
    for body in (value, *replaced(parse((FIXTURES / "requests/cc_thinking_roundtrip.json").read_bytes()), value)):
        assert len(check("messages", body)) <= MAX_FINDINGS + 1


def replaced(tree: Any, value: object) -> Iterator[Any]:
    """Copies of `tree` with `value` in the place of one key or item each, down to four levels."""
    stack: list[tuple[Any, int, Callable[[Any], Any]]] = [(tree, 0, lambda new: new)]
    while stack:
        node, depth, rebuild = stack.pop()
        if not isinstance(node, dict | list) or depth == 4:
            continue
        for key in node if isinstance(node, dict) else range(len(node)):

            def put(new: Any, node: Any = node, key: Any = key, rebuild: Callable[[Any], Any] = rebuild) -> Any:
                copy = node.copy()
                copy[key] = new
                return rebuild(copy)

            yield put(value)
            stack.append((node[key], depth + 1, put))


def test_a_large_body_is_no_trouble() -> None:
    """Thirty megabytes in one block conform, and take no time to speak of."""
    body = user({"type": "text", "text": "x" * 30_000_000})
    assert check("messages", parse(orjson.dumps(body))) == []


# -- answers


def test_messages() -> None:
    """A whole answer is checked like a stream; nothing in an answer is a violation."""
    message = json.loads((FIXTURES / "responses/message.json").read_text())
    assert check_message(message) == []
    found = check_message({**message, "mood": 1, "usage": {"input_tokens": "x"}, "role": "critic"})
    assert sorted(found, key=lambda finding: finding.path) == [
        drift("mood", UNKNOWN),
        drift("role", "unknown value; known: assistant"),
        drift("usage.input_tokens", "wanted a whole number, found a string"),
        drift("usage.output_tokens", MISSING),
    ]


@pytest.mark.parametrize("path", sorted((FIXTURES / "responses").glob("error_*.json")), ids=lambda path: path.stem)
def test_errors(path: Path) -> None:
    """The API's errors are known, with details and without."""
    assert check_error(json.loads(path.read_text())) == []


@pytest.mark.parametrize(
    ("body", "drifts"),
    [
        ({"type": "error", "error": {"type": "policy", "message": "m"}}, [drift("error.type", "unknown value")]),
        ({"type": "oops", "error": {"type": "api_error", "message": "m"}}, [drift("type", "unknown value")]),
        ({"type": "error"}, [drift("error", MISSING)]),
        ([], [drift("", "wanted an object, found a list")]),
    ],
)
def test_errors_that_are_new(body: object, drifts: list[Finding]) -> None:
    """Errors of other gateways are drift."""
    assert check_error(body) == drifts


# -- wording

UNDERSTOOD = re.compile(
    r"extra inputs|input should be|input tag|unexpected value|not permitted|unknown variant|field required|"
    r"does not match|does not support|not supported|too long|too large|exceeds|token limit|maximum|max_tokens: ",
    re.IGNORECASE,
)
"""Texts of errors on which Claude Code 2.1.330 changes how it works; see facts/claude_code.md, section 2."""


def test_no_message_tells_claude_code_to_drop_a_feature() -> None:
    """No text that findings are made of is one that Claude Code acts on."""
    for path in (ROOT / "addons/mitmclaude/request/check.py", ROOT / "addons/mitmclaude/schema/base.py"):
        tree = ast.parse(path.read_text())
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        ]
        assert len(texts) > 10
        assert [text for text in texts if UNDERSTOOD.search(text)] == []


def test_no_message_quotes_the_body() -> None:
    """Wherever a secret stands, and whatever is wrong there, no finding's message has it."""
    tree = parse((FIXTURES / "requests/cc_thinking_roundtrip.json").read_bytes())
    for value in ("s3cr3t", ["s3cr3t"], {"s3cr3t": "s3cr3t"}, {"type": "s3cr3t"}, {"type": ["s3cr3t"]}):
        for body in replaced(tree, value):
            assert "s3cr3t" not in " ".join(finding.message for finding in check("messages", body))


# -- cost


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@pytest.mark.parametrize(("size", "limit"), [(50_000, 0.0005), (600_000, 0.003)])
def test_cost(size: int, limit: float) -> None:
    """Parsing and checking a request as Claude Code sends it takes well under its share of a millisecond or three."""
    body: Any = parse((FIXTURES / "requests/cc_print_simple.json").read_bytes())
    more: Any = parse((FIXTURES / "requests/cc_loop_260kb.json").read_bytes())
    endpoint: Endpoint = "messages"
    while len(orjson.dumps(body)) < size * 0.98:
        body["messages"] += more["messages"]
    raw = orjson.dumps(body)
    assert check(endpoint, parse(raw)) == []
    assert min(timed(lambda: check(endpoint, parse(raw))) for _ in range(50)) < limit
