"""The columns of the Athena table follow the model of the record."""

import re
from typing import Any

import pytest

from mitmclaude.record.athena import PARTITION_KEYS, columns, location, table_properties
from mitmclaude.record.record import Record, record_key
from tests.record.made import AT, record, stream

COLUMNS = dict(columns())


def test_every_field_is_a_column() -> None:
    """Each top-level field of the record is a column, in order; the partition is none of them."""
    assert [name for name, _ in columns()] == list(Record.model_fields)
    assert not {name for name, _ in PARTITION_KEYS} & set(COLUMNS)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("version", "bigint"),
        ("started_at", "string"),
        ("outcome", "string"),
        ("errors", "array<string>"),
        ("findings", "array<struct<kind:string,path:string,message:string>>"),
        ("request.headers", "array<array<string>>"),
        ("request.cache.system", "array<string>"),
        ("request.cache.tools", "array<array<string>>"),
        ("request.cache.blocks", "array<bigint>"),
        (
            "request.cache.breakpoints",
            "array<struct<segment:string,index:bigint,block:bigint,ttl:string,scope:string>>",
        ),
        ("request.cache.settings.images", "boolean"),
        ("response.unplaced", "array<struct<event:string,data:string>>"),
        ("timing.blocks", "array<double>"),
        ("request.input", "string"),
        ("request.stream", "boolean"),
        ("request.thinking", "map<string,string>"),
        ("response.message", "string"),
        ("response.status", "bigint"),
        ("usage.cache_creation.ephemeral_5m_input_tokens", "bigint"),
        ("cost.total", "string"),
        ("cost.by_model", "map<string,string>"),
        ("timing.ttft", "double"),
    ],
)
def test_types(path: str, wanted: str) -> None:
    """Values get the types that the SerDe reads them as: money, times and free-form JSON are strings."""
    name, *inner = path.split(".")
    found = COLUMNS[name]
    for step in inner:
        found = members(found)[step]
    assert found == wanted


def test_names_can_be_read() -> None:
    """All names, within structs too, are such as Athena and the SerDe take: lower case, digits, underscores."""
    names = set(COLUMNS) | {name for type_ in COLUMNS.values() for name in re.findall(r"(\w+):", type_)}
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_a_record_fits() -> None:
    """A stored record has a value of the right kind for every column."""
    stored = record(stream("text.sse")).model_dump(mode="json")
    for name, type_ in COLUMNS.items():
        assert fits(stored[name], type_), name


def test_partitions() -> None:
    """The partition of a day is where the store puts the records of that day."""
    told = table_properties("bucket", "/team/a/")
    assert told["projection.enabled"] == "true"
    assert told["projection.date.type"] == "date"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d,NOW", told["projection.date.range"])
    template = told["storage.location.template"]
    assert template == "s3://bucket/team/a/records/date=${date}/"
    assert template.replace("${date}", f"{AT:%Y-%m-%d}") + "01.json" == f"s3://bucket/team/a/{record_key('01', AT)}"
    assert location("bucket") == "s3://bucket/records/"


def members(struct: str) -> dict[str, str]:
    """The members of a struct type."""
    found, depth, start = [], 0, 0
    inner = struct.removeprefix("struct<")[:-1]
    for index, char in enumerate(f"{inner},"):
        depth += (char == "<") - (char == ">")
        if char == "," and not depth:
            found.append(inner[start:index])
            start = index + 1
    return dict(member.split(":", 1) for member in found)


def fits(value: object, type_: str) -> bool:
    """Whether the SerDe makes the value one of the type."""
    if value is None or type_ == "string":
        return True
    if type_.startswith("array<"):
        return isinstance(value, list) and all(fits(item, type_[6:-1]) for item in value)
    if type_.startswith("map<string,"):
        return isinstance(value, dict) and all(fits(item, type_[11:-1]) for item in value.values())
    if type_.startswith("struct<"):
        return isinstance(value, dict) and all(fits(value.get(name), t) for name, t in members(type_).items())
    kinds: dict[str, Any] = {"bigint": int, "double": (int, float), "boolean": bool}
    return isinstance(value, kinds[type_])
