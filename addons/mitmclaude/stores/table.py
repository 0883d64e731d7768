"""The DynamoDB table: its keys and indexes, and a record → the attributes that it is found and listed by.

An item is one object, or a part of one. The table's own key is (`key`, `part`): the store's key, and ``object`` for the
item that stands for the object or ``<digest>-<number>`` for a part. Parts have no other attributes, so that the indexes
hold objects alone:

| index | partition | sorted by | finds |
|---|---|---|---|
| `by_session` | `session_id` | `started_at` | the records of a session |
| `by_principal_day` | `principal_day`: ``<principal>#2026-11-22`` | `started_at` | those of a principal on a day |
| `by_day` | `day`: ``2026-11-22``, or ``none`` | `key` | all objects of a day, in the order of their ids |

A day is of UTC. The indexes carry all attributes but the content, so that a listing reads no object. One day of
`by_day` takes some 1,000 objects a second, the limit of a partition. `expires_at` is the attribute of the TTL.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, Final

from mitmclaude.record import row as record_row
from mitmclaude.record.record import Record
from mitmclaude.record.row import TOKENS, row

logger = logging.getLogger(__name__)

LISTED: Final = (
    *("id", "started_at", "endpoint", "outcome", "status", "principal", "session_id", "agent_id", "model"),
    *TOKENS,
    *("cost_usd", "ttft", "duration", "violations", "drift", "flow", "size"),
)
"""What a row of a listing tells; absent where the record has none. `size` is of the object in bytes, uncompressed."""

LONGEST: Final = 256
"""Characters kept of a text: a key of an index takes 1,024 bytes, and whoever made the record gave it any length."""


def _index(name: str, partition: str, sort: str) -> dict[str, Any]:
    listed = [name for name in LISTED if name not in (partition, sort)]
    return {
        "IndexName": name,
        "KeySchema": _keys(partition, sort),
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": listed},
    }


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


TABLE: Final[Mapping[str, Any]] = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"}
        for name in ("key", "part", "session_id", "principal_day", "day", "started_at")
    ],
    "KeySchema": _keys("key", "part"),
    "GlobalSecondaryIndexes": [
        _index("by_session", "session_id", "started_at"),
        _index("by_principal_day", "principal_day", "started_at"),
        _index("by_day", "day", "key"),
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
"""The arguments of CreateTable but for the name; those of CloudFormation's AWS::DynamoDB::Table are the same."""

TIME_TO_LIVE: Final = {"AttributeName": "expires_at", "Enabled": True}

LARGEST: Final = 10**18
SMALLEST: Final = Decimal("1e-100")
"""Numbers beyond these are left out: DynamoDB refuses the whole item for one that it does not take."""

EXACT: Final = Context(prec=38)
"""As many digits as DynamoDB takes."""

type Value = str | int | Decimal | bytes
type Row = Mapping[str, Any]
"""Attributes of a listing: texts, and numbers as Decimal."""


def day_of(key: str) -> str | None:
    """The day in a key, or in a beginning of keys that has it whole."""
    match = re.search(r"(?:^|/)date=(\d{4}-\d{2}-\d{2})/", key)
    return match[1] if match else None


def attributes(key: str, content: bytes) -> dict[str, Value]:
    """What an object is found and listed by; of one that is no record of this version only its day."""
    found: dict[str, Value] = {"day": day_of(key) or "none", "size": len(content)}
    if key.startswith("records/") and key.endswith(".json"):
        try:
            found |= _of_record(Record.model_validate_json(content))
        except Exception as error:  # noqa: BLE001  to be listed is less than to be kept
            logger.debug("%s is listed by its day only: %s", key, type(error).__name__)
    return found


def principal_day(principal: str, day: str) -> str:
    """The partition of `by_principal_day`."""
    return f"{principal[: LONGEST - 11]}#{day}"


def typed(item: Mapping[str, Value]) -> dict[str, Any]:
    """An item in the form of the API."""
    return {name: _typed(value) for name, value in item.items()}


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item out of the form of the API."""
    return {name: Decimal(value["N"]) if "N" in value else next(iter(value.values())) for name, value in item.items()}


def _typed(value: Value) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case _:
            return {"N": format(Decimal(value), "f")}


def _of_record(record: Record) -> dict[str, Value]:
    told = row(record)._asdict()
    told["started_at"] = f"{record.started_at:%Y-%m-%dT%H:%M:%S.%fZ}"  # of one length, as it is sorted by
    if record.principal:
        told["principal_day"] = principal_day(record.principal, f"{record.started_at:%Y-%m-%d}")
    listed = ((name, _listed(told.get(name))) for name in (*LISTED, "principal_day"))
    return {name: value for name, value in listed if value is not None}


def _listed(value: object) -> str | Decimal | None:
    """A value as an item takes it, if it is of a kind that is listed."""
    if isinstance(value, str):
        return value[:LONGEST] or None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = EXACT.create_decimal(str(value))
    return number if number.is_finite() and (not number or SMALLEST < abs(number) < LARGEST) else None


def row_of(listed: Row) -> record_row.Row:
    """The row of a record as an index has it: what it does not list is not known."""
    columns: dict[str, Any] = dict.fromkeys(record_row.Row._fields) | {
        "method": "",
        "path": "",
        "message_count": 0,
        "tool_count": 0,
    }
    columns |= {"has_thinking": False, "usage_is_partial": False, "errors": 0, "request_bytes": 0, "violations": 0}
    columns |= {"id": listed["key"].rpartition("/")[2].partition(".")[0], "endpoint": "other", "outcome": ""}
    columns |= {
        "drift": 0,
        "duration": 0.0,
        "principal": (listed.get("principal_day") or "").rpartition("#")[0] or None,
    }
    columns |= {name: _told(name, value) for name, value in listed.items() if name in columns}
    columns["started_at"] = _begun(listed)
    return record_row.Row._make(columns[name] for name in record_row.Row._fields)


def _told(name: str, value: object) -> object:
    """A number is a Decimal in an item; in a row money alone is."""
    if not isinstance(value, Decimal) or name == "cost_usd":
        return value
    return float(value) if name in ("ttft", "duration") else int(value)


def _begun(listed: Row) -> datetime:
    """Of an object that is no record of this version, its day is known."""
    text = listed.get("started_at") or (day_of(listed["key"]) or "1970-01-01")
    begun = datetime.fromisoformat(text)
    return begun if begun.tzinfo else begun.replace(tzinfo=UTC)
