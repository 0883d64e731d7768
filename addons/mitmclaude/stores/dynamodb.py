"""A store in a DynamoDB table: ``dynamodb://table?option=value``; `table.py` has its keys and indexes.

| option | |
|---|---|
| `region`, `endpoint` | where the table is, else as AWS_REGION and AWS_ENDPOINT_URL_DYNAMODB say |
| `pool` | connections kept, 64 by default |
| `ttl_days` | days after which DynamoDB removes an object, where TTL is on for `expires_at`; never by default |

Content is kept zstd-compressed in the item, or in items of parts where it is over `PIECE`: an item takes 400 KB. Parts
are named after a digest of the content. They are written before the item that names them and deleted after it, so that
an object is there whole or not at all, also while it is replaced; parts that a killed process left are never read.

Puts need ``dynamodb:PutItem`` alone, `check` included (to replace an object in parts by another, DeleteItem too);
reading needs GetItem, and Query and Scan on the table and its indexes. Listings read an index, which may lag behind a
put for some milliseconds.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import blake2b
from typing import Any, Final

import zstandard

from mitmclaude.stores import aws
from mitmclaude.stores.protocol import checked
from mitmclaude.stores.table import LONGEST, TABLE, Row, Value, attributes, day_of, plain, principal_day, typed

logger = logging.getLogger(__name__)

__all__ = ["OPTIONS", "PIECE", "TABLE", "DynamoDBStore"]

WANTED: Final = "dynamodb://table"
OPTIONS: Final = (*aws.SHARED, "ttl_days")

PIECE: Final = 300 * 1024
"""Bytes of compressed content in one item, with room for its other attributes."""

OBJECT: Final = "object"
"""`part` of the item that stands for the object."""

DAY_SECONDS: Final = 24 * 3600


class DynamoDBStore:
    """Keeps objects as items. A thread makes the client at once; nothing is asked of DynamoDB before the first call."""

    def __init__(self, url: str) -> None:
        self.table, path, options = aws.parsed(url, WANTED, OPTIONS)
        if path:
            raise ValueError(f"wanted {WANTED}, without a path, found {url.partition('?')[0]!r}")
        self.name = f"dynamodb://{self.table}"
        self._ttl = aws.number(options, "ttl_days", 1) * DAY_SECONDS if "ttl_days" in options else None
        self._made = aws.Client(self.name, "dynamodb", options)

    @property
    def _client(self) -> Any:
        return self._made.get()

    def check(self) -> None:
        self._put({"key": aws.CHECK_KEY, "part": OBJECT})  # without the attributes of an index, no listing has it

    def put(self, key: str, content: bytes) -> None:
        item: dict[str, Value] = {"key": checked(key), "part": OBJECT, **_listed(key, content)}
        packed = zstandard.ZstdCompressor().compress(content)
        if len(packed) <= PIECE:
            item["content"] = packed
        else:
            item["digest"] = blake2b(packed, digest_size=16).hexdigest()
            pieces = [packed[start : start + PIECE] for start in range(0, len(packed), PIECE)]
            item["parts"] = len(pieces)
            for number, piece in enumerate(pieces):
                self._put({"key": key, "part": _part(item["digest"], number), "content": piece})
        replaced = self._put(item)
        if replaced.get("digest") != item.get("digest"):
            self._delete_parts(replaced)

    def get(self, key: str) -> bytes:
        at = typed({"key": checked(key), "part": OBJECT})
        for _ in range(2):  # once more where it was replaced between the reading of the item and of its parts
            with aws.told(self.name):
                found = self._client.get_item(TableName=self.table, Key=at, ConsistentRead=True).get("Item")
            if found is None:
                break
            if (packed := self._whole(plain(found))) is not None:
                return zstandard.ZstdDecompressor().decompress(packed)
        raise KeyError(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        if day := day_of(prefix):
            return (row["key"] for row in self._query("by_day", {"day": day}, prefix))
        begun = {
            "FilterExpression": "begins_with(#key, :prefix)",
            "ExpressionAttributeValues": typed({":prefix": prefix}),
        }
        found = self._pages(
            "scan",
            IndexName="by_day",
            ProjectionExpression="#key",
            ExpressionAttributeNames={"#key": "key"},
            **(begun if prefix else {}),
        )
        return iter(sorted(row["key"] for row in found))

    def delete(self, key: str) -> None:
        at = typed({"key": checked(key), "part": OBJECT})
        with aws.told(self.name):
            old = self._client.delete_item(TableName=self.table, Key=at, ReturnValues="ALL_OLD")
        self._delete_parts(plain(old.get("Attributes", {})))

    def by_session(self, session_id: str) -> Iterator[Row]:
        """The rows of a session's records, newest first; each with its `key`."""
        return self._query("by_session", {"session_id": session_id[:LONGEST]}, newest_first=True)

    def by_principal(self, principal: str, day: date) -> Iterator[Row]:
        """The rows of a principal's records of one day in UTC, newest first; each with its `key`."""
        partition = principal_day(principal, f"{day:%Y-%m-%d}")
        return self._query("by_principal_day", {"principal_day": partition}, newest_first=True)

    def by_day(self, day: date) -> Iterator[Row]:
        """The rows of all records of one day in UTC, newest first; each with its `key`."""
        return self._query("by_day", {"day": f"{day:%Y-%m-%d}"}, "records/", newest_first=True)

    def _query(
        self, index: str | None, partition: Mapping[str, str], begin: str = "", *, newest_first: bool = False
    ) -> Iterator[Row]:
        """The items in a partition of an index or, with None, of the table, whose sort key begins with `begin`."""
        ((name, value),) = partition.items()
        sort = "key" if index else "part"
        return self._pages(
            "query",
            KeyConditionExpression="#name = :value" + (" AND begins_with(#sort, :begin)" if begin else ""),
            ExpressionAttributeNames={"#name": name} | ({"#sort": sort} if begin else {}),
            ExpressionAttributeValues=typed({":value": value} | ({":begin": begin} if begin else {})),
            ScanIndexForward=not newest_first,
            **({"IndexName": index} if index else {"ConsistentRead": True}),
        )

    def _pages(self, operation: str, **arguments: Any) -> Iterator[Row]:
        with aws.told(self.name):
            for page in self._client.get_paginator(operation).paginate(TableName=self.table, **arguments):
                yield from map(plain, page["Items"])

    def _put(self, item: dict[str, Value]) -> Row:
        """Put an item; the item that was there, or nothing."""
        if self._ttl:
            item["expires_at"] = int(time.time()) + self._ttl
        with aws.told(self.name):
            answer = self._client.put_item(TableName=self.table, Item=typed(item), ReturnValues="ALL_OLD")
        return plain(answer.get("Attributes", {}))

    def _whole(self, item: Row) -> bytes | None:
        """The compressed content of an item; None where parts of it are missing."""
        if "content" in item:
            content: bytes = item["content"]
            return content
        parts = [row["content"] for row in self._query(None, {"key": item["key"]}, item["digest"])]
        return b"".join(parts) if len(parts) == item["parts"] else None

    def _delete_parts(self, item: Row) -> None:
        for number in range(int(item.get("parts", 0))):
            at = typed({"key": item["key"], "part": _part(item["digest"], number)})
            with aws.told(self.name):
                self._client.delete_item(TableName=self.table, Key=at)


def _listed(key: str, content: bytes) -> dict[str, Value]:
    """The attributes that an object is found by; of one that they cannot be made of, its day and size alone."""
    try:
        found = attributes(key, content)
        typed(found)
    except Exception as error:  # noqa: BLE001  to be listed is less than to be kept
        logger.warning("%s is listed by its day only: %s", key, type(error).__name__)
        return {"day": day_of(key) or "none", "size": len(content)}
    return found


def _part(digest: object, number: int) -> str:
    return f"{digest}-{number:05}"
