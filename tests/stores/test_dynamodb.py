"""The DynamoDB store: what a record is found by, how large content is kept, and what a failure leaves."""

import json
import random
import re
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from mitmclaude.record.record import Record, flow_key, record_key, to_json
from mitmclaude.stores import open_store
from mitmclaude.stores.dynamodb import PIECE, DynamoDBStore
from mitmclaude.stores.table import LISTED, TABLE, attributes, plain, typed
from tests.record.made import record, stream
from tests.stores.conftest import CREDENTIALS, Scripted, free_port

AT = datetime(2026, 11, 22, 23, 59, 59, 999000, tzinfo=UTC)
DAY = date(2026, 11, 22)
KEY = "records/date=2026-11-22/a.json"
LARGE = random.Random(2).randbytes(4 * PIECE)
"""In parts, as nothing compresses it."""


def put(store: DynamoDBStore, number: int, at: datetime, **changed: Any) -> str:
    """Put a record of that moment; its key."""
    made = record(stream("text.sse"), id=f"0198c1f2-{number:04}", started_at=at)
    made = Record.model_validate({**made.model_dump(), "flow": flow_key(made.id, at), **changed})
    key = record_key(made.id, at)
    store.put(key, to_json(made))
    return key


def items(url: str) -> list[dict[str, Any]]:
    table, _, endpoint = url.removeprefix("dynamodb://").partition("?endpoint=")
    pages = boto3.client("dynamodb", endpoint_url=endpoint).get_paginator("scan").paginate(TableName=table)
    return [plain(item) for page in pages for item in page["Items"]]


def test_a_row_tells_what_a_listing_shows(dynamodb_url: str) -> None:
    """A record's row has its outcome, tokens, cost as an exact number, counts of findings, and where the flow is."""
    store = DynamoDBStore(dynamodb_url)
    key = put(store, 1, AT, principal="ann")
    (row,) = store.by_day(DAY)
    told = {name: value for name, value in row.items() if name in LISTED}
    assert told.pop("size") == len(store.get(key))
    assert told == {
        "id": "0198c1f2-0001",
        "started_at": "2026-11-22T23:59:59.999000Z",
        "endpoint": "messages",
        "outcome": "complete",
        "status": 200,
        "principal": "ann",
        "session_id": "a1985f7f-b6e1",
        "agent_id": "agent-77",
        "model": "claude-opus-5-5",
        "input_tokens": 25,
        "cache_creation_input_tokens": 1200,
        "cache_read_input_tokens": 9000,
        "output_tokens": 12,
        "cost_usd": Decimal("0.00814"),
        "ttft": Decimal("1.5"),
        "duration": 2,
        "violations": 0,
        "drift": 0,
        "flow": "flows/date=2026-11-22/0198c1f2-0001.mitm.zst",
    }
    assert row["key"] == key
    assert "content" not in row


def test_by_session(dynamodb_url: str) -> None:
    """The records of a session come newest first, by the moment and not by how it is written, over midnight too."""
    store = DynamoDBStore(dynamodb_url)
    moments = (AT, AT + timedelta(milliseconds=1), AT + timedelta(milliseconds=2))
    keys = [put(store, number, moment) for number, moment in enumerate(moments)]
    put(store, 9, AT, session_id="another")
    put(store, 10, AT, session_id=None)
    assert [row["key"] for row in store.by_session("a1985f7f-b6e1")] == keys[::-1]
    assert [row["key"] for row in store.by_session("none")] == []


def test_by_principal_and_day(dynamodb_url: str) -> None:
    """A principal's records of a day come newest first; other days and principals are left out."""
    store = DynamoDBStore(dynamodb_url)
    keys = [put(store, number, AT - timedelta(hours=9 - number), principal="ann") for number in range(3)]
    put(store, 8, AT + timedelta(days=1), principal="ann")
    put(store, 9, AT, principal="bob")
    put(store, 10, AT)
    assert [row["key"] for row in store.by_principal("ann", DAY)] == keys[::-1]


def test_by_day(dynamodb_url: str) -> None:
    """A day's records come newest first, without its raw flows."""
    store = DynamoDBStore(dynamodb_url)
    keys = [put(store, number, AT) for number in range(3)]
    put(store, 9, AT + timedelta(days=1))
    store.put(flow_key("0198c1f2-0001", AT), b"flow")
    assert [row["key"] for row in store.by_day(DAY)] == keys[::-1]
    assert list(store.keys("flows/")) == [flow_key("0198c1f2-0001", AT)]


def test_long_words_of_a_client(dynamodb_url: str) -> None:
    """What is too long for a key of an index is cut, and found by the whole all the same."""
    store = DynamoDBStore(dynamodb_url)
    key = put(store, 1, AT, session_id="\U0001f99a" * 3000, principal="p" * 3000)
    assert [row["key"] for row in store.by_session("\U0001f99a" * 3000)] == [key]
    assert [row["key"] for row in store.by_principal("p" * 3000, DAY)] == [key]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 1}', b"\xff"])
def test_what_is_no_record_is_kept(content: bytes) -> None:
    """Content that cannot be read, as of another version, is found by its day alone."""
    assert attributes(KEY, content) == {"day": "2026-11-22", "size": len(content)}
    assert attributes("flows/x.json", content)["day"] == "none"


def test_misfits_are_left_out() -> None:
    """A count that no number of DynamoDB can be does not keep the record out."""
    made = record(stream("text.sse")).model_dump(mode="json")
    made["usage"] |= {"input_tokens": 10**300, "output_tokens": {"a": 1}, "cache_read_input_tokens": 1e300}
    found = attributes(KEY, json.dumps(made).encode())
    assert found["outcome"] == "complete"
    assert not {"input_tokens", "output_tokens", "cache_read_input_tokens"} & set(found)


def test_a_row_that_cannot_be_made(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object whose row cannot be made, or is none that DynamoDB takes, is kept all the same, by its day."""

    def wrong(key: str, content: bytes) -> dict[str, Any]:
        raise ArithmeticError

    store = DynamoDBStore(dynamodb_url)
    for attributes_of in (wrong, lambda key, content: {"output_tokens": Decimal("NaN"), "day": {"a": 1}}):
        monkeypatch.setattr("mitmclaude.stores.dynamodb.attributes", attributes_of)
        store.put(KEY, b"{}")
        assert store.get(KEY) == b"{}"
        assert list(store.keys("records/date=2026-11-22/")) == [KEY]
        store.delete(KEY)


def test_ttl(dynamodb_url: str) -> None:
    """With ttl_days every item, parts too, says when it goes; without, none does."""
    DynamoDBStore(dynamodb_url).put("a/never.json", b"x")
    store = DynamoDBStore(f"{dynamodb_url}&ttl_days=30")
    store.check()
    store.put(KEY, LARGE)
    expected = time.time() + 30 * 24 * 3600
    for item in items(dynamodb_url):
        if item["key"] == "a/never.json":
            assert "expires_at" not in item
        else:
            assert abs(int(item["expires_at"]) - expected) < 60


def test_items_keep_below_the_limit(dynamodb_url: str) -> None:
    """Large content is in items of parts, each below the 400 KB of an item, and in the indexes once."""
    store = DynamoDBStore(dynamodb_url)
    store.put(KEY, LARGE)
    found = items(dynamodb_url)
    assert len(found) == 6
    assert (
        max(sum(len(name) + len(str(value)) for name, value in item.items()) for item in found if "content" not in item)
        < 2048
    )
    assert max(len(item["content"]) for item in found if "content" in item) < 380 * 1024
    assert store.get(KEY) == LARGE
    assert list(store.keys()) == [KEY]


def test_parts_go_with_their_object(dynamodb_url: str) -> None:
    """Replacing and deleting leave no parts behind; putting the same again keeps them."""
    store = DynamoDBStore(dynamodb_url)
    store.put(KEY, LARGE)
    store.put(KEY, LARGE)
    assert store.get(KEY) == LARGE
    store.put(KEY, LARGE[::-1])
    assert len(items(dynamodb_url)) == 6
    store.put(KEY, b"small")
    assert len(items(dynamodb_url)) == 1
    store.put(KEY, LARGE)
    store.delete(KEY)
    assert items(dynamodb_url) == []


def test_a_cut_put_shows_nothing(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed between the parts leaves what was there before, whole."""
    store = DynamoDBStore(dynamodb_url)
    whole = store._put

    def cut(item: dict[str, Any]) -> Any:
        if item["part"].endswith("-00002"):
            raise KeyboardInterrupt
        return whole(item)

    for before in (None, LARGE[::-1]):
        if before:
            store.put(KEY, before)
        with monkeypatch.context() as patch:
            patch.setattr(store, "_put", cut)
            with pytest.raises(KeyboardInterrupt):
                store.put(KEY, LARGE)
        assert list(store.keys()) == ([KEY] if before else [])
        if before:
            assert store.get(KEY) == before
        else:
            with pytest.raises(KeyError):
                store.get(KEY)


def test_lost_parts(dynamodb_url: str) -> None:
    """An object whose parts expired before it is as good as gone."""
    store = DynamoDBStore(dynamodb_url)
    store.put(KEY, LARGE)
    (part, *_) = [item for item in items(dynamodb_url) if item["part"].endswith("-00003")]
    store._client.delete_item(TableName=store.table, Key=typed({"key": KEY, "part": part["part"]}))
    with pytest.raises(KeyError):
        store.get(KEY)


def test_order_of_writing(scripted: Scripted) -> None:
    """Parts are put first and the object last; puts alone are needed."""
    scripted.answers = [(200, b"{}")]
    store = DynamoDBStore(f"dynamodb://table?endpoint={scripted.url}")
    store.check()
    store.put(KEY, LARGE)
    sent = [
        (asked.headers["x-amz-target"].partition(".")[2], json.loads(asked.body)["Item"]) for asked in scripted.asked
    ]
    assert {operation for operation, _ in sent} == {"PutItem"}
    check, *parts, last = [item for _, item in sent]
    assert check["key"] == {"S": "checks/startup"}
    assert [part["part"]["S"].partition("-")[2] for part in parts] == [f"{number:05}" for number in range(5)]
    assert last["part"] == {"S": "object"}
    assert last["parts"] == {"N": "5"}
    assert "content" not in last


def test_listings_go_over_pages(scripted: Scripted) -> None:
    """A listing goes on where DynamoDB ends a page."""
    items = [{"key": {"S": f"records/{name}"}} for name in "bac"]
    pages = [*({"Items": [item], "LastEvaluatedKey": item} for item in items[:2]), {"Items": items[2:]}]
    answers = [(200, json.dumps(page).encode()) for page in pages]
    store = DynamoDBStore(f"dynamodb://table?endpoint={scripted.url}")
    scripted.answers = answers.copy()
    assert [row["key"] for row in store.by_session("s")] == ["records/b", "records/a", "records/c"]
    scripted.answers = answers.copy()
    assert list(store.keys("records/")) == ["records/a", "records/b", "records/c"]


def test_a_day_is_asked_for_alone(scripted: Scripted) -> None:
    """Keys of one day are a query of that day; other beginnings read the whole index, without contents."""
    scripted.answers = [(200, b'{"Items": []}')]
    store = DynamoDBStore(f"dynamodb://table?endpoint={scripted.url}")
    assert list(store.keys("records/date=2026-11-22/")) == list(store.keys("records/date=2026-11-2")) == []
    query, scan = scripted.asked
    assert query.headers["x-amz-target"].endswith(".Query")
    assert scan.headers["x-amz-target"].endswith(".Scan")
    assert json.loads(scan.body)["ProjectionExpression"] == "#key"


def test_missing_table(moto: str, credentials: None) -> None:
    """A table that is not there is told at the start in one line."""
    told = r"^dynamodb://no-such: PutItem: ResourceNotFoundException: there is no such table$"
    with pytest.raises(OSError, match=told):
        DynamoDBStore(f"dynamodb://no-such?endpoint={moto}").check()


def test_denied(scripted: Scripted) -> None:
    """Denied access is told with the operation, and nothing that the endpoint quotes."""
    error = {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": f"no {CREDENTIALS}"}
    scripted.answers = [(400, json.dumps(error).encode())]
    told = "dynamodb://table: PutItem: AccessDeniedException: these credentials do not allow it"
    with pytest.raises(OSError, match=f"^{re.escape(told)}$"):
        DynamoDBStore(f"dynamodb://table?endpoint={scripted.url}").check()


def test_nobody_listens(credentials: None) -> None:
    """A refused connection is given up within seconds, in one line."""
    started = time.monotonic()
    with pytest.raises(OSError, match=r"^dynamodb://table: EndpointConnectionError: cannot connect$"):
        DynamoDBStore(f"dynamodb://table?endpoint=http://127.0.0.1:{free_port()}").put(KEY, b"{}")
    assert time.monotonic() - started < 5


def test_region(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The region comes from the URL, else from AWS_REGION, which boto3 alone does not read."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert DynamoDBStore("dynamodb://table")._client.meta.region_name == "eu-west-1"
    assert DynamoDBStore("dynamodb://table?region=eu-north-1")._client.meta.region_name == "eu-north-1"


def test_no_region(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a region there is no client, which is told when the store is checked."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with pytest.raises(OSError, match=r"NoRegionError: wanted a region, as AWS_REGION or as \?region=$"):
        open_store("dynamodb://table").check()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("dynamodb:table", "wanted dynamodb://table, found 'dynamodb:table'"),
        ("dynamodb://table/prefix", "wanted dynamodb://table, without a path, found 'dynamodb://table/prefix'"),
        ("dynamodb://t?ttl=1", "unknown option ttl of dynamodb://t: known are endpoint, region, pool, ttl_days"),
        ("dynamodb://t?ttl_days=0", "wanted a number from 1 to 99999 for ttl_days, found '0'"),
    ],
)
def test_wrong_urls(url: str, told: str, credentials: None) -> None:
    """A URL that is not understood is refused with what was wanted."""
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        DynamoDBStore(url)


def test_table_is_within_the_limits() -> None:
    """The definition keeps to 100 attributes carried by indexes, and defines the attributes of keys alone."""
    indexes = TABLE["GlobalSecondaryIndexes"]
    assert sum(len(index["Projection"]["NonKeyAttributes"]) for index in indexes) <= 100
    keys = {key["AttributeName"] for part in (TABLE, *indexes) for key in part["KeySchema"]}
    assert keys == {defined["AttributeName"] for defined in TABLE["AttributeDefinitions"]}
