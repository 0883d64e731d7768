"""`mitmclaude list` on a table of DynamoDB: found by its indexes, without reading an object."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer

from mitmclaude.cli import records
from mitmclaude.stores import open_store
from mitmclaude.stores.dynamodb import DynamoDBStore
from tests.library.captures import captures
from tests.stores.conftest import credentials, dynamodb_url, moto

__all__ = ["credentials", "dynamodb_url", "moto"]

LONG_AGO = {"since": "2026-11-01", "until": "2026-11-05"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What the store was asked, how often."""
    counted: Counter[str] = Counter()
    for name in ("get", "keys", "by_session", "by_principal", "by_day"):
        original = getattr(DynamoDBStore, name)

        def counting(self: DynamoDBStore, *given: Any, name: str = name, original: Any = original) -> Any:
            counted[name] += 1
            return original(self, *given)

        monkeypatch.setattr(DynamoDBStore, name, counting)
    return counted


@pytest.fixture
def store(dynamodb_url: str) -> str:
    table = open_store(dynamodb_url)
    for key, content in captures(40, days=3, seed=16):
        table.put(key, content)
    return dynamodb_url


def listed(capsys: pytest.CaptureFixture[str], store: str, **options: Any) -> list[str]:
    try:
        records.records(store=store, count=100, **options)
    except typer.Exit:
        assert False, capsys.readouterr().err  # noqa: B011
    return capsys.readouterr().out.splitlines()


def test_by_index(store: str, asked: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By session, by principal and day, by day; no object is read, and the lines are those of the records."""
    rows = listed(capsys, store, **LONG_AGO)
    assert len(rows) == 40
    assert rows == sorted(rows)
    assert asked.keys() == {"by_day"}
    assert "cached →" in "".join(rows)
    (of,) = {line.split("session ")[1].split()[0] for line in rows[-1:]}
    session = next(iter(open_store(store).by_day(last_day(rows))))["session_id"]  # type: ignore[attr-defined]
    assert session.startswith(of)
    asked.clear()
    assert all(of in line for line in listed(capsys, store, session=session))
    assert asked == {"by_session": 1}
    asked.clear()
    failed = listed(capsys, store, principal="ann", **LONG_AGO)
    assert failed and all("  ann  " in line for line in failed)
    assert asked.keys() == {"by_principal"}


def last_day(rows: list[str]) -> Any:
    return datetime.fromisoformat(rows[-1][:19]).astimezone(UTC).date()


def test_days(store: str, asked: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without a beginning, the last days are asked one by one, then those that have any."""
    assert len(listed(capsys, store)) == 40
    assert asked["keys"] <= 1
    assert asked["get"] == 0
    assert asked["by_day"] <= records.RECENT + 5
    far = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d}"
    assert len(listed(capsys, store, until=far)) == 40
