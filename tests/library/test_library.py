"""One store, read through its local cache: filled with what is new, whatever the store holds."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mitmclaude.ids import uuid7
from mitmclaude.library import library as libraries
from mitmclaude.library.library import Library, resolved
from mitmclaude.library.local import fill, parts, state
from mitmclaude.library.selection import Selection
from mitmclaude.record.record import Record
from mitmclaude.record.row import row
from mitmclaude.stores.file import FileStore
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.protocol import Store
from tests.library.captures import captures, write

GOLDEN = Path(__file__).parents[1] / "golden" / "records"


class Counting:
    """A store that tells what was read of it, and can fail."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.read: list[str] = []
        self.fails_after: int | None = None

    def check(self) -> None:
        self.store.check()

    def put(self, key: str, content: bytes) -> None:
        self.store.put(key, content)

    def get(self, key: str) -> bytes:
        if self.fails_after is not None and len(self.read) >= self.fails_after:
            raise OSError("the store is down")
        self.read.append(key)
        return self.store.get(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return self.store.keys(prefix)

    def delete(self, key: str) -> None:
        self.store.delete(key)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    made = FileStore(tmp_path / "store")
    for key, content in captures(60, days=3):
        made.put(key, content)
    return made


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[Store], Library]:
    """Opens a library anew, as a command does."""
    return lambda store: Library(store, "", tmp_path / "cache")


def settle(store: FileStore, seconds: float = 60) -> None:
    """Let the directories of `store` have changed a while ago."""
    for day in (store.root / "records").iterdir():
        then = time.time() - seconds
        os.utime(day, (then, then))


def stored(store: Store) -> list[Record]:
    read = [Record.model_validate_json(store.get(key)) for key in store.keys("records/")]
    return sorted(read, key=lambda one: (one.started_at, one.id))


def test_rows_and_records(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """Rows and records come out as they went in: to the last digit, in the order of time or as asked."""
    library = opened(store)
    wanted = stored(store)
    assert library.rows() == [row(one) for one in wanted]
    ids = [one.id for one in reversed(wanted)]
    assert list(library.records(ids)) == list(reversed(wanted))
    assert library.record(ids[3]) == wanted[-4]
    with pytest.raises(KeyError):
        library.record("nobody")
    with pytest.raises(KeyError):
        next(library.records(["nobody"]))


def test_selections(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """What is asked of the cache is what `Selection.matches` says of each row."""
    library = opened(store)
    rows = library.rows()
    middle = rows[30]
    for chosen in (
        Selection(since=middle.started_at),
        Selection(until=middle.started_at),
        Selection(session=(middle.session_id or "")[:5]),
        Selection(principal=middle.principal or "ann"),
        Selection(model="haiku"),
        Selection(outcome="failed"),
        Selection(outcome="complete", model="opus", until=rows[50].started_at),
        Selection(session="%"),
    ):
        assert library.rows(chosen) == [one for one in rows if chosen.matches(one)]


def test_only_what_is_new_is_read(
    store: FileStore, opened: Callable[[Store], Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the cache has is not read again; what came late, was replaced or removed is seen."""
    read: list[str] = []
    get = FileStore.get
    monkeypatch.setattr(FileStore, "get", lambda self, key: read.append(key) or get(self, key))  # type: ignore[func-returns-value]
    assert len(opened(store).rows()) == 60
    settle(store)
    opened(store).rows()
    read.clear()
    assert len(opened(store).rows()) == 60
    assert read == []
    key, content = list(captures(61, days=3))[60]
    store.put(key, content)
    assert len(opened(store).rows()) == 61
    assert read == [key]
    first = next(store.keys("records/"))
    changed = json.loads(store.get(first)) | {"outcome": "shutdown"}
    read.clear()
    store.put(first, json.dumps(changed).encode())
    assert [one.id for one in opened(store).rows(Selection(outcome="shutdown"))] == [changed["id"]]
    assert read == [first]
    read.clear()
    store.delete(key)
    assert len(opened(store).rows()) == 60
    assert read == []


def test_a_day_that_is_gone(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """A day that was pruned is gone from the cache."""
    opened(store).rows()
    day = sorted((store.root / "records").iterdir())[0]
    left = 60 - len(list(day.iterdir()))
    for file in day.iterdir():
        file.unlink()
    day.rmdir()
    assert len(opened(store).rows()) == left


@pytest.mark.parametrize("content", [b"", b"{", b"hello", b"[]", b'{"version":3}', bytes(range(256)), b'{"a":' * 300])
def test_corrupt(store: FileStore, opened: Callable[[Store], Library], content: bytes) -> None:
    """A corrupt object is skipped and named, every time, and the others are there."""
    key = list(store.keys("records/"))[7]
    whole = store.get(key)
    store.put(key, content)
    for _ in range(2):
        library = opened(store)
        assert len(library.rows()) == 59
        assert list(library.skipped) == [key]
        assert library.skipped[key]
    store.put(key, whole)
    library = opened(store)
    assert (len(library.rows()), dict(library.skipped)) == (60, {})


def test_foreign(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """Files that are none of ours are named; what desktops hide is passed over."""
    day = sorted((store.root / "records").iterdir())[0]
    (day / "notes.txt").write_text("mine")
    (day / ".DS_Store").write_text("")
    (day / "folder.json").mkdir()
    (store.root / "records" / "stray.json").write_text("{}")
    library = opened(store)
    assert len(library.rows()) == 60
    assert {key.rpartition("/")[2] for key in library.skipped} == {"notes.txt", "folder.json", "stray.json"}


def test_records_of_both_versions(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """A record of version 1 has a row as well."""
    old = json.loads((GOLDEN / "version_1.json").read_bytes())
    old["id"] = uuid7(1_700_000_000_000, bytes(10))
    store.put(f"records/date=2023-11-14/{old['id']}.json", json.dumps(old).encode())
    library = opened(store)
    assert row(Record.model_validate(old)) in library.rows()
    assert [one.id for one in library.records([old["id"]])] == [old["id"]]


def test_ids_that_clash(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """Of two records with one id the first counts, and the other is named."""
    key = next(store.keys("records/"))
    store.put("records/date=2030-01-01/copy.json", store.get(key))
    for _ in range(2):
        library = opened(store)
        assert len(library.rows()) == 60
        assert dict(library.skipped) == {"records/date=2030-01-01/copy.json": f"its id is that of {key} as well"}


def test_a_failing_store(store: FileStore, opened: Callable[[Store], Library], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before the store failed is kept, and is not read again."""
    monkeypatch.setattr(fill, "CHUNK", 10)
    failing = Counting(store)
    failing.fails_after = 35
    with pytest.raises(OSError, match="the store is down"):
        opened(failing).rows()
    failing.fails_after, failing.read = None, []
    assert len(opened(failing).rows()) == 60
    assert len(failing.read) <= 60 - 10


def test_many_small_fills(store: FileStore, opened: Callable[[Store], Library], tmp_path: Path) -> None:
    """A day that comes one by one does not end in as many files."""
    library = opened(store)
    for key, content in list(captures(90, days=3))[60:]:
        store.put(key, content)
        library.refresh()
    assert len(library.rows()) == 90
    assert all(len(day.parts) <= fill.MOST_SMALL + 1 for day in library.state.days.values())


def test_empty_and_missing(tmp_path: Path) -> None:
    """An empty store has no rows, and questions have answers of no rows."""
    for made in (FileStore(tmp_path / "none"), MemoryStore()):
        library = Library(made, "", tmp_path / f"cache-{type(made).__name__}")
        assert library.rows() == []
        assert library.ask("select count(*) from calls").rows == [(0,)]
        assert library.ask("select * from findings").rows == []
        with pytest.raises(LookupError, match="found 0 calls"):
            library.resolve("last")


def test_clear(store: FileStore, opened: Callable[[Store], Library], tmp_path: Path) -> None:
    """Clearing empties the cache; the next question fills it."""
    library = opened(store)
    library.rows()
    library.clear()
    assert not list((tmp_path / "cache").glob("*.parquet"))
    assert len(library.rows()) == 60


def test_a_damaged_cache(store: FileStore, opened: Callable[[Store], Library], tmp_path: Path) -> None:
    """A state that cannot be read, or is of another schema, is made anew."""
    for damage in (b"", b"[]", b'{"schema":99}', b'{"schema":1,"days":{"a":{}}}', b'{"schema":1,"days":[],"x":1}'):
        opened(store).rows()
        (tmp_path / "cache" / state.NAME).write_bytes(damage)
        assert len(opened(store).rows()) == 60


def test_a_part_that_is_gone(store: FileStore, opened: Callable[[Store], Library], tmp_path: Path) -> None:
    """Where somebody removed files of the cache, it is made anew."""
    opened(store).rows()
    settle(store)
    opened(store).rows()
    next((tmp_path / "cache").glob("*.parquet")).unlink()
    assert len(opened(store).rows()) == 60


def test_a_line_that_is_not_taken(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """One record that the engine does not take costs no other."""
    key = list(store.keys("records/"))[5]
    store.put(key, json.dumps(json.loads(store.get(key)) | {"started_at": "2026-W45-3T10:00:00Z"}).encode())
    library = opened(store)
    assert len(library.rows()) == 59
    assert list(library.skipped) == [key]


def test_two_at_once(store: FileStore, tmp_path: Path) -> None:
    """Several that fill one cache at once bear each other, and all see all."""
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(Library(store, "", tmp_path / "cache").rows())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [60] * 4


def test_resolve(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """An id may be shortened at either end; last and -1 name the newest."""
    library = opened(store)
    ids = sorted(one.id for one in library.rows())
    assert library.resolve(ids[4]) == ids[4]
    assert library.resolve(ids[4][-12:]) == ids[4]
    assert library.resolve("last") == library.resolve("-1") == ids[-1]
    assert library.resolve("-60") == ids[0]
    for name, told in (("-61", "found 60 calls"), ("zzz", "no record has an id"), ("01", "60 records have an id")):
        with pytest.raises(LookupError, match=told):
            library.resolve(name)
    memory = MemoryStore()
    for key in store.keys("records/"):
        memory.put(key, store.get(key))
    assert Library(memory, "", library.folder.with_name("other")).resolve("-2") == ids[-2]


FILL = """
import sys
from pathlib import Path
from mitmclaude.library.local import fill
from mitmclaude.library.library import Library
from mitmclaude.stores.file import FileStore
fill.FEW, fill.CHUNK = 10, 50
class Told(fill.Nobody):
    def reads(self, done, total):
        print(done, total, flush=True)
if __name__ == "__main__":
    print("rows", len(Library(FileStore(Path(sys.argv[1])), sys.argv[1], Path(sys.argv[2]), Told()).rows()), flush=True)
"""


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a fill by several processes; the next fill goes on where it was."""
    write(tmp_path / "store", 1000, days=2)
    (tmp_path / "fill.py").write_text(FILL)
    command = [sys.executable, str(tmp_path / "fill.py"), str(tmp_path / "store"), str(tmp_path / "cache")]
    filling = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment()
    )
    assert filling.stdout is not None
    told = 0
    for line in filling.stdout:
        told = int(line.split()[0])
        if told == 100:
            os.killpg(filling.pid, signal.SIGINT)
    filling.wait(timeout=60)
    assert filling.returncode != 0
    kept = sum(sum(day.parts.values()) for day in state.read(tmp_path / "cache", "").days.values())
    assert 100 <= kept == told < 1000, "what is in hand is kept"
    assert not list((tmp_path / "cache").glob(".*.json")), "no half-made file is left"
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment())
    lines = done.stdout.splitlines()
    assert lines[0] == f"0 {1000 - kept}"
    assert lines[-1] == "rows 1000"


def environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(libraries.__file__).parents[2])}


def test_killed(store: FileStore, opened: Callable[[Store], Library], tmp_path: Path) -> None:
    """What a killed process left is removed later, and never read."""
    (tmp_path / "cache").mkdir()
    left = tmp_path / "cache" / f"dead{parts.SUFFIX}"
    left.write_bytes(b"PAR1")
    then = time.time() - 2 * fill.ABANDONED
    os.utime(left, (then, then))
    assert len(opened(store).rows()) == 60
    assert not left.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{folder}/evil.csv'",
        "select * from read_text('{folder}/secret')",
        "select * from '{folder}/secret.csv'",
        "select * from glob('{folder}/*')",
        "attach '{folder}/x.db'",
        "set enable_external_access = true",
        "set memory_limit = '10GB'",
        "install httpfs",
        "load httpfs",
        "create table x (a int)",
        "drop view calls",
        "select 1; copy (select 1) to '{folder}/evil.csv'",
        "explain analyze copy (select 1) to '{folder}/evil.csv'",
        "export database '{folder}'",
        "pragma database_list",
        "call pragma_version()",
        "prepare p as select 1",
        "select * from read_csv('http://127.0.0.1:1/x.csv')",
        "select * from library",
        "",
        "selec",
    ],
)
def test_sandbox(store: FileStore, opened: Callable[[Store], Library], tmp_path: Path, statement: str) -> None:
    """A statement of anybody's reads the views and reaches nothing else."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret.csv").write_text("a\nsecret\n")
    library = opened(store)
    with pytest.raises(ValueError, match=r".") as caught:
        library.ask(statement.format(folder=tmp_path))
    assert "\n" not in str(caught.value)
    assert "secret\n" not in str(caught.value)
    assert not (tmp_path / "evil.csv").exists()
    assert library.ask("select count(*) from calls").rows == [(60,)]


def test_views(store: FileStore, opened: Callable[[Store], Library]) -> None:
    """The views have the columns that are documented, and JSON can be looked into."""
    library = opened(store)
    assert library.ask("select sum(cost_usd) from calls").rows[0][0] == sum(
        one.cost_usd for one in library.rows() if one.cost_usd is not None
    )
    kinds = library.ask("select distinct message->>'$.type' from contents where message is not null").rows
    assert kinds == [("message",)]
    assert library.ask("describe contents").columns[0] == "column_name"
    wanted = sum(len(one.findings) for one in stored(store))
    assert library.ask("select count(*) from findings").rows == [(wanted,)]


def test_resolved_of_nothing() -> None:
    """There is nothing to name in an empty store."""
    with pytest.raises(LookupError):
        resolved("last", [])
