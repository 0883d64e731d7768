"""Several stores as one: who holds what, and what a failure of one means for the others."""

from pathlib import Path

import pytest

from mitmclaude.stores import open_store
from mitmclaude.stores.file import FileStore
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.several import Several

RECORD, FLOW = "records/date=2026-11-22/a.json", "flows/date=2026-11-22/a.mitm.zst"


class Broken(MemoryStore):
    """A store that fails while it is `down`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.down = name, True

    def check(self) -> None:
        if self.down:
            raise OSError(f"{self.name}: down")

    def put(self, key: str, content: bytes) -> None:
        self.check()
        super().put(key, content)

    def get(self, key: str) -> bytes:
        self.check()
        return super().get(key)

    def delete(self, key: str) -> None:
        self.check()
        super().delete(key)


def test_records_go_to_all_and_flows_to_the_first() -> None:
    """The others find and list records; only the first holds the large raw flows."""
    first, second = MemoryStore(), MemoryStore()
    store = Several([first, second])
    store.put(RECORD, b"r")
    store.put(FLOW, b"f")
    assert list(first.keys()) == [FLOW, RECORD]
    assert list(second.keys()) == [RECORD]
    assert list(store.keys()) == [FLOW, RECORD]
    store.delete(RECORD)
    assert list(second.keys()) == []


@pytest.mark.parametrize("broken_first", [True, False])
def test_a_failure_does_not_stop_the_others(broken_first: bool) -> None:
    """What can be put is put before the failure is told."""
    broken, whole = Broken("b"), MemoryStore()
    store = Several([broken, whole] if broken_first else [whole, broken])
    with pytest.raises(OSError, match=r"^b: down$"):
        store.check()
    with pytest.raises(OSError, match=r"^b: down$"):
        store.put(RECORD, b"r")
    assert whole.get(RECORD) == b"r"
    assert store.get(RECORD) == b"r"
    with pytest.raises(OSError, match=r"^b: down$"):
        store.delete(RECORD)
    assert list(whole.keys()) == []
    with pytest.raises(OSError, match=r"^b: down$"):
        store.get(RECORD)  # it may be in the one that is down


def test_all_failures_are_named() -> None:
    """The line names each store that failed."""
    with pytest.raises(OSError, match=r"^a: down; b: down$"):
        Several([Broken("a"), Broken("b")]).put(RECORD, b"r")


def test_get_asks_each(tmp_path: Path) -> None:
    """What only a later store has is found there."""
    second = FileStore(tmp_path)
    second.put(RECORD, b"r")
    assert Several([MemoryStore(), second]).get(RECORD) == b"r"


def test_open_of_several(tmp_path: Path) -> None:
    """A list opens each of its stores, and an unknown one is told."""
    opened = open_store(f"memory:,file:{tmp_path}")
    assert isinstance(opened, Several)
    assert [type(store) for store in opened.stores] == [MemoryStore, FileStore]
    with pytest.raises(ValueError, match="wanted s3://bucket/prefix, found 's3://b, ftp://x'"):
        open_store("s3://b, ftp://x")
