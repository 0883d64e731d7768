"""The spool: nothing is lost while a store is down."""

from pathlib import Path

import pytest

from mitmclaude.stores.file import FileStore
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.spool import DOWN, PAUSES, Spooled


class Fragile(MemoryStore):
    """A store that fails as often as `failures` says."""

    failures = 0
    tries = 0

    def put(self, key: str, content: bytes) -> None:
        self.tries += 1
        if self.failures:
            self.failures -= 1
            raise OSError("the store is down")
        super().put(key, content)


def make(tmp_path: Path) -> tuple[Fragile, Spooled, list[float]]:
    pauses: list[float] = []
    fragile = Fragile()
    return fragile, Spooled(fragile, FileStore(tmp_path), sleep=pauses.append), pauses


def test_short_failure_is_tried_again(tmp_path: Path) -> None:
    """A store that fails once gets the object at the second try."""
    fragile, store, pauses = make(tmp_path)
    fragile.failures = 1
    store.put("a", b"x")
    assert fragile.get("a") == b"x"
    assert pauses == [PAUSES[0]]
    assert store.spooled == 0


def test_long_failure_spools_and_drains(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the store is down objects lie in the spool, readable; they are sent when it is back."""
    fragile, store, pauses = make(tmp_path)
    fragile.failures = 100
    store.put("a", b"1")
    store.put("b", b"2")
    assert len(pauses) == len(PAUSES), "the second put does not wait again"
    assert (store.spooled, store.sent, store.lost) == (2, 0, 0)
    assert store.get("a") == b"1"
    assert list(store.keys()) == ["a", "b"]
    assert "spooled a until the store takes it: the store is down" in caplog.text
    assert store.drain() == 0
    fragile.failures = 0
    assert store.drain() == 2
    assert [fragile.get(key) for key in "ab"] == [b"1", b"2"]
    assert list(store.spool.keys()) == []
    store.put("c", b"3")
    assert fragile.get("c") == b"3", "after a drain the store is asked again"


def test_a_store_is_asked_again_after_a_while(tmp_path: Path) -> None:
    """Without any drain a store that was down is asked again some seconds later."""
    now = 100.0
    fragile = Fragile()
    fragile.failures = len(PAUSES) + 1
    store = Spooled(fragile, FileStore(tmp_path), sleep=lambda _: None, clock=lambda: now)
    store.put("a", b"1")
    store.put("b", b"2")
    assert fragile.tries == len(PAUSES) + 1
    now += DOWN
    store.put("c", b"3")
    assert fragile.get("c") == b"3"
    assert store.spooled == 2


def test_spool_survives_the_process(tmp_path: Path) -> None:
    """What an earlier process spooled is sent by a later one."""
    fragile, store, _ = make(tmp_path)
    fragile.failures = 100
    store.put("a", b"1")
    later = Spooled(MemoryStore(), FileStore(tmp_path))
    assert later.drain() == 1
    assert later.store.get("a") == b"1"


def test_lost_is_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where neither store nor spool takes an object, the log names its key and the counter tells."""
    fragile, _, _ = make(tmp_path)
    fragile.failures = 100
    broken = Fragile()
    broken.failures = 100
    store = Spooled(fragile, broken, sleep=lambda _: None)
    store.put("records/a.json", b"1")
    assert store.lost == 1
    assert "lost records/a.json" in caplog.text
