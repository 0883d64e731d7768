"""What every store does: one suite for all of them."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mitmclaude.schemes import SCHEMES
from mitmclaude.stores import Store, open_store
from mitmclaude.stores.dynamodb import DynamoDBStore
from mitmclaude.stores.file import FileStore
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.open import open_keeper
from mitmclaude.stores.s3 import S3Store
from mitmclaude.stores.several import Several

KEY = "records/date=2026-11-22/0198c1f2-0000-7000-8000-000000000000.json"

type Make = Callable[[Callable[[str], Any]], Store]

MAKERS: dict[str, Make] = {  # each takes the fixtures that it names
    "memory": lambda _: open_store("memory:"),
    "file": lambda take: open_store(f"file:{take('tmp_path')}"),
    "s3": lambda take: open_store(take("s3_url")),
    "dynamodb": lambda take: open_store(take("dynamodb_url")),
    "several": lambda take: open_store(f"{take('s3_url')},{take('dynamodb_url')}"),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest) -> Store:
    made = MAKERS[request.param](request.getfixturevalue)
    made.check()
    return made


def test_get_gives_what_was_put(store: Store) -> None:
    """An object comes back as it went in, empty ones and any bytes included."""
    for content in (b"", b"{}", bytes(range(256)) * 5000, random.Random(1).randbytes(1_300_000)):
        store.put(KEY, content)
        assert store.get(KEY) == content


def test_put_again_replaces(store: Store) -> None:
    """The second put of a key wins, and the key is listed once."""
    store.put(KEY, b"first, and longer")
    store.put(KEY, b"second")
    assert store.get(KEY) == b"second"
    assert list(store.keys()) == [KEY]


def test_absent_key(store: Store) -> None:
    """Getting what is not there raises KeyError; deleting it does nothing."""
    with pytest.raises(KeyError):
        store.get(KEY)
    store.delete(KEY)


def test_delete(store: Store) -> None:
    """A deleted object is gone."""
    store.put(KEY, b"x")
    store.delete(KEY)
    assert list(store.keys()) == []
    with pytest.raises(KeyError):
        store.get(KEY)


def test_keys_are_sorted_and_filtered_by_prefix(store: Store) -> None:
    """Keys come sorted, cut at any prefix, folder boundary or not."""
    keys = ["flows/date=2026-11-21/b.mitm.zst", "records/date=2026-11-21/a.json", "records/date=2026-11-22/a.json"]
    for key in reversed(keys):
        store.put(key, b"x")
    assert list(store.keys()) == keys
    assert list(store.keys("records/")) == keys[1:]
    assert list(store.keys("records/date=2026-11-22/a")) == keys[2:]
    assert list(store.keys("nothing/")) == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/.hidden", "a\\b", "a/b\n", "é", "a/"])
def test_foreign_keys_are_refused(store: Store, key: str) -> None:
    """A key that is none of ours, a path out of the store above all, raises ValueError and touches nothing."""
    for use in (lambda: store.put(key, b"x"), lambda: store.get(key), lambda: store.delete(key)):
        with pytest.raises(ValueError, match="wanted a key"):
            use()


def test_many_threads(store: Store) -> None:
    """Puts from several threads at once all arrive whole."""

    def work(thread: int) -> None:
        for number in range(25):
            store.put(f"records/date=2026-11-22/{thread}-{number}.json", b"%d" % thread * 1000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = list(store.keys())
    assert len(keys) == 200
    assert all(len(store.get(key)) == 1000 for key in keys)


def test_every_kind_is_tried() -> None:
    """A new kind of store is put through all of this."""
    assert {scheme.name for scheme in SCHEMES} < set(MAKERS)


def test_open_store(tmp_path: Path) -> None:
    """A URL names the kind of store; an unknown kind is told with what is known."""
    assert isinstance(open_store("memory:"), MemoryStore)
    for url in (str(tmp_path), f"file:{tmp_path}", f"file://{tmp_path}"):
        opened = open_store(url)
        assert isinstance(opened, FileStore)
        assert opened.root == tmp_path
    with pytest.raises(ValueError, match="wanted a directory, memory:, s3://… or dynamodb://…, found 'ftp://x'"):
        open_store("ftp://x")


@pytest.mark.usefixtures("credentials")
def test_open_store_on_aws() -> None:
    """The stores on AWS by their URLs, alone and several, without asking AWS anything."""
    assert isinstance(open_store("s3://bucket/prefix?region=eu-west-1"), S3Store)
    assert isinstance(open_store("dynamodb://table"), DynamoDBStore)
    both = open_store("s3://bucket/prefix, dynamodb://table")
    assert isinstance(both, Several)
    assert [type(store) for store in both.stores] == [S3Store, DynamoDBStore]


@pytest.mark.usefixtures("credentials")
def test_a_spool_belongs_to_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was spooled is found again from any directory and with other options, and for that store alone."""
    monkeypatch.chdir(tmp_path)
    first, second = spools_of("s3://bucket/a,dynamodb://table?ttl_days=30", tmp_path)
    assert first != second
    monkeypatch.chdir("/")
    assert spools_of("s3://bucket/a,dynamodb://table", tmp_path) == [first, second]
    assert spools_of("s3://bucket/b,dynamodb://table", tmp_path)[0] != first
    assert spools_of("s3://bucket/a,dynamodb://table?region=eu-west-1", tmp_path)[1] != second
    assert spools_of("/captures", tmp_path)[0].name == "13922e13082c9749"
    monkeypatch.setenv("HOME", "/home/ann")
    assert spools_of("~/captures", tmp_path) == spools_of("/home/ann/captures", tmp_path)


def spools_of(url: str, spool: Path) -> list[Path]:
    opened = [spooled.spool.store for spooled in open_keeper(url, str(spool), {}).stores]
    return [store.root for store in opened if isinstance(store, FileStore)]
