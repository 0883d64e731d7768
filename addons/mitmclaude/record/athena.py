"""The model of the record → the columns of a table for Athena over the records in S3.

Made for the OpenX JSON SerDe, and by what its source and Trino's reader of the same name really do with a value:

- A column of type string takes any JSON: text as it is, an object or a list as its JSON text. So free-form values, and
  values of several types, are strings, for ``json_extract(response.message, '$.stop_reason')``.
- Money is a JSON string, which no decimal column of the SerDe reads: ``CAST(cost.total AS decimal(38, 18))``.
- Times have microseconds, at which a timestamp column of the SerDe fails: ``from_iso8601_timestamp(started_at)``.
- By default the SerDe lowers all names, those within free-form JSON too, and fails where two become one: `SERDE` says
  to leave them. The names of columns are lower case as they are.
- A count that is no number (see `usage.misfits`) fails the query that reads its column.

A new day's partition needs no command: `table_properties` let Athena derive it. In SQL the column ``date`` is a text,
compared as such; in DDL its name stands in backticks.
https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from collections.abc import Mapping
from typing import Any, Final

from mitmclaude.record.record import Record

type Column = tuple[str, str]
"""Name and type."""

PARTITION_KEYS: Final[tuple[Column, ...]] = (("date", "string"),)

SERDE: Final = {
    "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
    "Parameters": {"case.insensitive": "false"},
}
INPUT_FORMAT: Final = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT_FORMAT: Final = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

FIRST_DAY: Final = "2026-01-01"
"""Before the first record of all: the days from here to now are looked for by a query that names none."""

_PLAIN: Final = {"string": "string", "integer": "bigint", "number": "double", "boolean": "boolean"}


def columns() -> list[Column]:
    """The columns: each field of the record but for the partition, in order, as Glue and Athena write them."""
    schema = Record.model_json_schema()
    return [(name, _type(field, schema["$defs"])) for name, field in schema["properties"].items()]


def location(bucket: str, prefix: str = "") -> str:
    """Where the records of a store at ``s3://bucket/prefix`` lie."""
    return f"s3://{'/'.join(filter(None, (bucket, prefix.strip('/'))))}/records/"


def table_properties(bucket: str, prefix: str = "") -> dict[str, str]:
    """The TBLPROPERTIES, in Glue the Parameters of the table, for a store at ``s3://bucket/prefix``."""
    return {
        "classification": "json",
        "projection.enabled": "true",
        "projection.date.type": "date",
        "projection.date.format": "yyyy-MM-dd",
        "projection.date.range": f"{FIRST_DAY},NOW",
        "projection.date.interval": "1",
        "projection.date.interval.unit": "DAYS",
        "storage.location.template": f"{location(bucket, prefix)}date=${{date}}/",
    }


def _type(schema: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    """The type of a column for values of a JSON Schema."""
    if "$ref" in schema:
        return _type(models[schema["$ref"].rpartition("/")[2]], models)
    if "anyOf" in schema:
        types = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
        return _type(types[0], models) if len(types) == 1 else "string"
    if fields := schema.get("properties"):
        return f"struct<{','.join(f'{name}:{_type(field, models)}' for name, field in fields.items())}>"
    if values := schema.get("additionalProperties"):
        return "string" if values is True else f"map<string,{_type(values, models)}>"
    if schema.get("type") == "array":
        items = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        return f"array<{_type(items, models)}>" if items else "string"
    return _PLAIN.get(schema.get("type", ""), "string")
