"""The stored form of a record → its columns: the same as the models make of it."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mitmclaude.library.columns import CALLS, COLUMNS, KEPT, Unusual, columns, joined, of_row
from mitmclaude.record.record import Record, to_json
from mitmclaude.record.row import Row, row
from tests.library.captures import captures
from tests.record.test_record import RESPONSES, plain, record, stream

GOLDEN = Path(__file__).parents[1] / "golden" / "records"
ANSWERS = sorted(path.name for path in RESPONSES.iterdir())


def same(content: bytes) -> None:
    """The fast way and the models give the same columns, and the same record comes back from them."""
    made = columns(content)
    try:
        read = Record.model_validate_json(content)
    except ValidationError:  # nothing that mitmclaude writes; to be listed all the same does no harm
        return
    wanted = of_row(row(read), to_json(read))
    for name in CALLS:
        assert value(name, made[name]) == value(name, wanted[name]), name
    for name in KEPT.keys() - {"key", "stamp", "rest"}:
        assert parsed(name, made[name]) == parsed(name, wanted[name]), name
    assert Record.model_validate_json(joined(made["rest"], made["input"], made["message"])) == read


def parsed(name: str, told: Any) -> Any:
    return orjson.loads(told) if name in ("findings", "input", "message") and told else told


def value(name: str, told: Any) -> Any:
    if told is None:
        return None
    match CALLS[name]:
        case "TIMESTAMPTZ":
            return datetime.fromisoformat(told)
        case "DECIMAL(38,18)":
            return Decimal(told)
    return told


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer(name: str) -> None:
    """Whatever upstream said."""
    content = (RESPONSES / name).read_bytes()
    same(to_json(record(stream(name) if name.endswith(".sse") else plain(400 if "error" in name else 200, content))))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_golden_records(path: Path) -> None:
    """Records as they were written, of version 1 as well."""
    read = Record.model_validate_json(path.read_bytes())
    same(to_json(read))
    same(orjson.dumps(json.loads(path.read_bytes())))


def test_made_captures() -> None:
    """What the generator makes, and the same spaced and with its keys in another order."""
    for number, (_, content) in enumerate(captures(120)):
        same(content)
        if number % 10 == 0:
            same(json.dumps(json.loads(content), indent=1, sort_keys=True).encode())


ODD: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.just({})
    | st.just([])
)
PLACES = [
    ("usage", "input_tokens"), ("usage", "cache_creation"), ("usage", "output_tokens_details"), ("usage", "service_tier"),
    ("request", "model"), ("request", "thinking"), ("request", "input"), ("request", "stream"), ("request", "headers"),
    ("response", "message"), ("response", "error"), ("response", "status"), ("response", "model"), ("timing", "ttft"),
    ("cost", "total"), (None, "failure"), (None, "principal"), (None, "findings"), (None, "started_at"), (None, "usage"),
    (None, "cost"), (None, "response"), (None, "outcome"), (None, "version"), (None, "errors"), (None, "id"),
]  # fmt: skip


@given(st.sampled_from(PLACES), ODD)
@settings(max_examples=300, deadline=None)
def test_odd_values(place: tuple[str | None, str], odd: object) -> None:
    """A value of any type in any place: the same columns, or the models decide; it never raises anything else."""
    told = json.loads(to_json(record(stream("text.sse"))))
    part, name = place
    (told[part] if part else told)[name] = odd
    content = (
        orjson.dumps(told, option=orjson.OPT_NON_STR_KEYS) if not isinstance(odd, int) else json.dumps(told).encode()
    )
    try:
        columns(content)
    except Unusual:
        return
    same(content)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"1", b'"', b"\xff", b'{"version":2}', b'{"version":3}', b"[" * 2000]
)
def test_no_record(content: bytes) -> None:
    """What is no record is left to the models."""
    with pytest.raises(Unusual):
        columns(content)


def test_columns_are_those_of_a_row() -> None:
    """Each field of a row has a column of its own type, in its order."""
    assert tuple(CALLS) == Row._fields
    assert CALLS["cost_usd"] == "DECIMAL(38,18)"
    assert set(COLUMNS) == {*CALLS, *KEPT}
