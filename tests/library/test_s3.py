"""The library of a bucket: only what is new is listed and fetched, many at a time, and none twice."""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from mitmclaude.library.library import Library
from mitmclaude.library.local import fill, listing, state
from mitmclaude.stores import open_store
from mitmclaude.stores.s3 import S3Store
from tests.cli.conftest import Run
from tests.cli.conftest import mitmclaude as mitmclaude
from tests.library.captures import captures
from tests.stores.conftest import ACCESS_KEY, SECRET_KEY, TOKEN, credentials, moto, s3_url

__all__ = ["credentials", "moto", "s3_url"]


def filled(store: S3Store, count: int, *, start: int = 0) -> list[str]:
    """Put so many captures into `store`; their keys."""
    made = list(itertools.islice(captures(start + count, days=4, size=7_000), start, None))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda one: store.put(*one), made))
    return [key for key, _ in made]


@pytest.fixture
def store(s3_url: str) -> S3Store:
    made = open_store(s3_url)
    assert isinstance(made, S3Store)
    return made


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each key was fetched."""
    counted: Counter[str] = Counter()
    get = S3Store.get

    def counting(self: S3Store, key: str) -> bytes:
        counted[key] += 1
        return get(self, key)

    monkeypatch.setattr(S3Store, "get", counting)
    return counted


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From where each listing went on."""
    told: list[str] = []
    original = S3Store.listed

    def telling(self: S3Store, prefix: str = "", after: str = "") -> object:
        told.append(after)
        return original(self, prefix, after)

    monkeypatch.setattr(S3Store, "listed", telling)
    return told


class Interrupting(fill.Nobody):
    """Is the user who presses Ctrl-C once so many records are read."""

    def __init__(self, at: int) -> None:
        self.at = at

    def reads(self, done: int, total: int) -> None:
        if done >= self.at:
            raise KeyboardInterrupt


def test_pulled_interrupted_resumed(store: S3Store, tmp_path: Path, fetched: Counter[str]) -> None:
    """5,000 records: what was fetched before an interruption is not fetched again."""
    keys = filled(store, 5_000)
    with pytest.raises(KeyboardInterrupt):
        Library(store, "", tmp_path / "cache", Interrupting(2_000)).rows()
    assert 2_000 <= len(fetched) < 5_000
    library = Library(store, "", tmp_path / "cache")
    assert len(library.rows()) == 5_000
    assert fetched == dict.fromkeys(keys, 1)
    fetched.clear()
    assert len(Library(store, "", tmp_path / "cache").rows()) == 5_000
    assert not fetched


def test_only_what_is_new_is_listed(
    store: S3Store, tmp_path: Path, fetched: Counter[str], listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second listing goes on shortly before the newest record; a whole one follows after an hour."""
    keys = filled(store, 60)

    def opened() -> Library:
        return Library(store, "", tmp_path / "cache")

    opened().rows()
    fetched.clear()
    newest = max(keys)
    late = f"{newest[:-6]}zzzzzz.json"
    gone = min(keys)
    store.put(
        late.replace("zzzzzz", "fffffe"),
        store.get(newest).replace(newest[-41:-5].encode(), f"{newest[-41:-11]}fffffe".encode()),
    )
    fetched.clear()
    store.delete(gone)
    assert len(opened().rows()) == 61
    assert listed[0] == ""
    assert listed[1] == listing.horizon(newest)
    assert listed[1] < newest
    assert sum(fetched.values()) == 1
    then = time.time()
    monkeypatch.setattr(time, "time", lambda: then + listing.WHOLE_EVERY + 1)
    assert len(opened().rows()) == 60
    assert listed[-1] == ""
    assert sum(fetched.values()) == 1


def test_a_record_that_is_replaced(store: S3Store, tmp_path: Path, fetched: Counter[str]) -> None:
    """A partial record that the whole one replaces is fetched again."""
    keys = filled(store, 30)
    Library(store, "", tmp_path / "cache").rows()
    fetched.clear()
    store.put(max(keys), store.get(max(keys)).replace(b'"version":2,', b'"version":2, '))
    fetched.clear()
    library = Library(store, "", tmp_path / "cache")
    assert len(library.rows()) == 30
    assert fetched == {max(keys): 1}


def test_in_several_processes(store: S3Store, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that help open the bucket by themselves."""
    filled(store, 90)
    monkeypatch.setattr(fill, "FEW", 10)
    monkeypatch.setattr(fill, "CHUNK", 20)
    assert len(Library(store, s3_url, tmp_path / "cache").rows()) == 90


def test_the_horizon() -> None:
    """It is a quarter of an hour before a key; of a key that has no time it is the beginning."""
    key = "records/date=2026-11-22/019aa9f2-4c00-7b3c-8a00-ced43f02ef18.json"
    assert listing.horizon(key) < key
    assert listing.horizon(key).startswith("records/date=")
    assert listing.horizon("records/date=2026-11-22/foreign.json") == ""


def test_state_is_kept(store: S3Store, tmp_path: Path) -> None:
    """How far a bucket was listed is part of the state."""
    keys = filled(store, 20)
    Library(store, "", tmp_path / "cache").rows()
    kept = state.read(tmp_path / "cache", "")
    assert kept.after == listing.horizon(max(keys))
    assert kept.listed_at > 0


type Asking = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def asking(mitmclaude: Run) -> Asking:
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": TOKEN}

    def ask(*arguments: object) -> tuple[int, str, str]:
        done = mitmclaude(*arguments, **keys, AWS_REGION="us-east-1", NO_PROXY="127.0.0.1")
        return done.returncode, done.stdout, done.stderr

    return ask


def test_commands(store: S3Store, s3_url: str, asking: Asking) -> None:
    """The commands are the same on a bucket as on a directory."""
    filled(store, 40)
    status, told, _ = asking("report", "--by", "endpoint", "--store", s3_url, "--csv")
    assert status == 0
    assert told.splitlines()[0].startswith("endpoint,calls,")
    assert asking("sessions", "--store", s3_url)[0] == 0


def test_no_bucket(s3_url: str, asking: Asking) -> None:
    """A bucket that is not there is named, in one line."""
    status, told, why = asking("sessions", "--store", s3_url.replace("bucket-", "nobucket-"))
    assert (status, told) == (1, "")
    assert why.count("\n") == 1
    assert "NoSuchBucket: there is no such bucket" in why


def test_an_empty_bucket(s3_url: str, asking: Asking) -> None:
    """An empty bucket has no calls."""
    assert asking("sessions", "--store", s3_url) == (1, "", "mitmclaude: no call in this store\n")


def test_the_prefix_is_its_own(store: S3Store, s3_url: str, moto: str, tmp_path: Path) -> None:
    """What lies beside the prefix of a store is not of it."""
    filled(store, 5)
    boto3.client("s3", endpoint_url=moto).put_object(
        Bucket=store.bucket, Key="records/date=2026-11-22/x.json", Body=b"{}"
    )
    library = Library(store, "", tmp_path / "cache")
    assert (len(library.rows()), dict(library.skipped)) == (5, {})
