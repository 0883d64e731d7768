"""The keeper: the objects of a call side by side into all stores, and what a start and an end ask of them."""

import threading
import time
from pathlib import Path

import pytest

from mitmclaude.stores import Keeper, RefusedError, open_keeper
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.spool import Spool
from mitmclaude.stores.spooled import Spooled
from tests.stores.fragile import Fragile

RECORD, FLOW = "records/date=2026-11-22/a.json", "flows/date=2026-11-22/a.mitm.zst"


def make(*stores: MemoryStore, hold: float = 5.0) -> Keeper:
    return Keeper([Spooled(store, Spool(MemoryStore()), name=f"s{n}", pauses=(), hold=hold) for n, store in enumerate(stores)])  # fmt: skip


def test_records_go_to_all_and_flows_to_the_first() -> None:
    """The others find and list records; only the first holds the large raw flows."""
    first, second = MemoryStore(), MemoryStore()
    make(first, second).put_all({FLOW: b"f", RECORD: b"r"})
    assert list(first.keys()) == [FLOW, RECORD]
    assert list(second.keys()) == [RECORD]


def test_puts_of_a_call_run_side_by_side() -> None:
    """No put waits for the end of another."""
    meeting = threading.Barrier(3, timeout=10)

    class Meeting(MemoryStore):
        def put(self, key: str, content: bytes) -> None:
            meeting.wait()
            super().put(key, content)

    keeper = make(Meeting(), Meeting())
    keeper.put_all({FLOW: b"f", RECORD: b"r"})
    assert keeper.counts == (0, 0, 0, 0, 0)


def test_hanging_stores_are_waited_for_once() -> None:
    """Two stores that hang take the time of one; one that hangs does not keep the object from the other."""
    first, second, third = Fragile(), Fragile(), Fragile()
    keeper = make(first, second, third, hold=2.0)
    first.goes_on.clear()
    second.goes_on.clear()
    began = time.monotonic()
    keeper.put_all({FLOW: b"f", RECORD: b"r"})
    assert time.monotonic() - began < 3.9
    assert third.get(RECORD) == b"r"
    assert keeper.counts.spooled == 3
    first.goes_on.set()
    second.goes_on.set()


def test_check_tells_what_is_down() -> None:
    """What may mend is told, and spooled for from the first put; the check of all takes no longer than that of one."""
    silent, busy, whole = Fragile(), Fragile(OSError("s1: SlowDown")), Fragile()
    silent.goes_on.clear()
    keeper = make(silent, busy, whole)
    began = time.monotonic()
    assert keeper.check(0.3) == ["s0: no answer in time", "s1: SlowDown"]
    assert time.monotonic() - began < 2
    began = time.monotonic()
    keeper.put_all({RECORD: b"r"})
    assert time.monotonic() - began < 2
    assert keeper.counts.spooled == 2
    assert whole.get(RECORD) == b"r"
    silent.goes_on.set()


def test_check_refuses_what_will_not_mend() -> None:
    """All stores that will take nothing are named in one line."""
    wrong = [Fragile(RefusedError("s0: no such bucket")), Fragile(OSError("s1: busy")), Fragile(ValueError("s2: bad"))]
    with pytest.raises(RefusedError, match=r"^s0: no such bucket; s2: bad$"):
        make(*wrong).check()


def test_started_it_drains_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is back gets what was spooled, without any further put."""
    monkeypatch.setattr("mitmclaude.stores.keeper.DRAIN_EVERY", 0.05)
    fragile = Fragile(OSError("down"))
    keeper = make(fragile)
    keeper.put_all({FLOW: b"f", RECORD: b"r"})
    keeper.start()
    fragile.error = None
    deadline = time.monotonic() + 10
    while keeper.counts.sent < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    keeper.close(1)
    assert dict(fragile.done) == {FLOW: b"f", RECORD: b"r"}


def test_close_is_bounded() -> None:
    """The end waits for hanging stores side by side, and not for long; puts before it take less time."""
    stores = [Fragile(), Fragile()]
    keeper = make(*stores)
    for store in stores:
        store.goes_on.clear()
    keeper.ending()
    began = time.monotonic()
    keeper.put_all({RECORD: b"r"})
    assert time.monotonic() - began < 4
    began = time.monotonic()
    keeper.close(0.2)
    assert time.monotonic() - began < 3
    assert keeper.counts[:3] == (2, 0, 0)
    for store in stores:
        store.goes_on.set()


def test_open_keeper(tmp_path: Path) -> None:
    """Each store of a list gets a spool of its own; opening makes no directory."""
    keeper = open_keeper(f"memory:,file:{tmp_path / 'store'}", str(tmp_path / "spool"), {})
    assert len({store.spool.store.root for store in keeper.stores}) == 2  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []
