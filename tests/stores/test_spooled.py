"""A store and its spool: nothing is lost while the store is down, and nobody waits for it twice."""

import errno
import logging
import threading
import time
from pathlib import Path

import pytest

from mitmclaude.stores.backlog import THREADS
from mitmclaude.stores.file import FileStore
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.protocol import UnfitError
from mitmclaude.stores.spool import LOCK, Spool
from mitmclaude.stores.spooled import Spooled
from tests.stores.fragile import Fragile

DOWN = OSError("the store is down")
A, B = "records/a.json", "records/b.json"


def make(tmp_path: Path, store: MemoryStore, **how: float) -> Spooled:
    return Spooled(store, Spool(FileStore(tmp_path), tmp_path / LOCK), pauses=(0.01, 0.01), **how)  # type: ignore[arg-type]


def test_short_failure_is_tried_again(tmp_path: Path) -> None:
    """A store that fails once gets the object at the second try."""

    class Once(Fragile):
        def put(self, key: str, content: bytes) -> None:
            super().put(key, content) if self.tries else self.fail()

        def fail(self) -> None:
            self.tries += 1
            raise DOWN

    store = make(tmp_path, fragile := Once())
    store.put(A, b"x")
    assert fragile.get(A) == b"x"
    assert (store.spooled, store.down) == (0, None)


@pytest.mark.parametrize("error", [DOWN, RuntimeError("secret"), ValueError("secret"), KeyError("secret")])
def test_any_exception_spools(tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a store raises, the object is spooled, and sent when the store takes it."""
    store = make(tmp_path, fragile := Fragile(error))
    store.put(A, b"1")
    assert (store.spooled, store.sent, store.lost) == (1, 0, 0)
    assert f"spooled {A} until the store takes it: " in caplog.text
    assert "secret" not in caplog.text
    fragile.error = None
    assert store.drain() == 1
    assert fragile.get(A) == b"1"


def test_down_until_a_drain_finds_it_back(tmp_path: Path) -> None:
    """After a failure a live put does not ask the store again, however much later; the drain does."""
    store = make(tmp_path, fragile := Fragile(DOWN))
    store.put(A, b"1")
    tries = fragile.tries
    fragile.error = None
    store.put(B, b"2")
    assert fragile.tries == tries
    assert store.drain() == 2
    assert [fragile.get(key) for key in (A, B)] == [b"1", b"2"]
    assert store.spool.waiting() == []
    store.put("records/c.json", b"3")
    assert fragile.get("records/c.json") == b"3"
    assert (store.spooled, store.sent) == (2, 2)


def test_drain_closes_without_anything_to_send(tmp_path: Path) -> None:
    """A store that was told to be down is asked again after a drain, with nothing in the spool."""
    store = make(tmp_path, fragile := Fragile())
    store.go_down("as the check at the start found")
    assert store.drain() == 0
    store.put(A, b"1")
    assert fragile.get(A) == b"1"


def test_spool_survives_the_process(tmp_path: Path) -> None:
    """What an earlier process spooled is sent by a later one."""
    make(tmp_path, Fragile(DOWN)).put(A, b"1")
    later = make(tmp_path, MemoryStore())
    assert later.drain() == 1
    assert later.store.get(A) == b"1"


def test_hanging_store(tmp_path: Path) -> None:
    """The first puts wait for their time, all at once; later ones do not; what came late does no harm."""
    store = make(tmp_path, fragile := Fragile(), hold=0.3)
    fragile.goes_on.clear()
    began = time.monotonic()
    begun = [store.begin(f"records/{number}.json", b"x") for number in range(THREADS + 20)]
    ends = [end for end in begun if end is not None]
    for end in ends:
        end()
    assert time.monotonic() - began < 5
    assert (store.spooled, store.lost) == (THREADS + 20, 0)
    before = threading.active_count()
    began = time.monotonic()
    for number in range(100):
        store.put(f"flows/{number}", b"y")
    assert time.monotonic() - began < 5
    assert threading.active_count() <= before + 1, "a hang takes a bounded number of threads"
    assert store.drain(0.1) == 0
    fragile.goes_on.set()
    drained(store)
    assert len(list(fragile.keys())) == THREADS + 120


def drained(store: Spooled) -> None:
    deadline = time.monotonic() + 20
    while store.spool.waiting():
        store.drain()
        assert time.monotonic() < deadline, store.spool.waiting()


def test_late_partial_record_is_not_last(tmp_path: Path) -> None:
    """A put that hangs with an early version of a record does not come to stand over the whole record."""
    store = make(tmp_path, fragile := Fragile(), hold=0.2)
    fragile.goes_on.clear()
    store.put(A, b"partial")
    store.put(A, b"whole")
    fragile.goes_on.set()
    drained(store)
    assert fragile.done[-1] == (A, b"whole")
    assert fragile.get(A) == b"whole"


def test_nothing_is_sent_past_a_put_that_hangs(tmp_path: Path) -> None:
    """While an early version of a record hangs on its way, a drain sends other objects, and the whole record after it."""
    goes_on = threading.Event()

    class Slow(Fragile):
        def put(self, key: str, content: bytes) -> None:
            assert content != b"partial" or goes_on.wait(20)
            super().put(key, content)

    store = make(tmp_path, fragile := Slow(), hold=0.2)
    for key, content in ((A, b"partial"), (A, b"whole"), (B, b"b")):
        store.put(key, content)
    assert store.drain() == 1
    assert fragile.done == [(B, b"b")]
    goes_on.set()
    drained(store)
    assert [content for _, content in fragile.done] == [b"b", b"partial", b"whole"]


def test_nothing_is_stored_past_a_spooling_that_hangs() -> None:
    """While the spool hangs with an early version of a record, the whole one waits, and the early one never comes."""
    fragile, disk = Fragile(), Fragile()
    store = Spooled(fragile, Spool(disk), pauses=(), spool_hold=0.2)
    fragile.unfit[A] = RuntimeError("of this moment alone")
    disk.goes_on.clear()
    store.put(A, b"partial")
    fragile.unfit.clear()
    store.put(A, b"whole")
    assert fragile.done == []
    disk.goes_on.set()
    deadline = time.monotonic() + 10
    while store._backlog.is_adding(A):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert store.spool.waiting() == []
    store.drain()
    assert fragile.done == [(A, b"whole")]


def test_whole_record_removes_the_spooled_partial_one(tmp_path: Path) -> None:
    """Where the whole record is stored, the partial one that was spooled before it is never sent."""
    store = make(tmp_path, fragile := Fragile())
    fragile.unfit[A] = RuntimeError("of this moment alone")  # the store stays in use
    store.put(A, b"partial")
    fragile.unfit.clear()
    store.put(A, b"whole")
    assert store.spool.waiting() == []
    assert store.drain() == 0
    assert fragile.done == [(A, b"whole")]


def test_partial_record_that_another_process_sends(tmp_path: Path) -> None:
    """While another process sends the partial record, the whole one waits in the spool, and comes after it."""
    store = make(tmp_path, fragile := Fragile(RuntimeError("of this moment alone")))
    store.put(A, b"partial")
    fragile.error = None
    other = Spool(FileStore(tmp_path), tmp_path / LOCK)
    with other.locked(0) as is_ours:
        assert is_ours
        (_, names), *_ = other.waiting()
        store.put(A, b"whole")
        fragile.put(A, other.read(names[-1]))
        other.remove(names)
    assert store.drain() == 1
    assert [content for _, content in fragile.done] == [b"partial", b"whole"]


def test_a_refused_object_does_not_block_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An object that the store will never take is set aside after some drains, counted and named; others are sent."""
    store = make(tmp_path, fragile := Fragile(DOWN))
    for key in ("flows/a.zst", A, B):
        store.put(key, b"x")
    fragile.error = None
    fragile.unfit["flows/a.zst"] = UnfitError("the store: too large")
    fragile.unfit[A] = OSError("the store: a code that nobody knows")
    assert [store.drain() for _ in range(4)] == [1, 0, 0, 0]
    assert (store.refused, store.down) == (1, None)
    assert "the store refuses flows/a.zst, which stays in its spool as refused/flows/" in caplog.text
    assert [key for key, _ in store.spool.waiting()] == [A], "what may mend is sent for ever"
    fragile.unfit.clear()
    assert store.drain() == 1


def test_many_refused_objects_do_not_block_the_others(tmp_path: Path) -> None:
    """Each drain begins with what was tried least."""
    store = make(tmp_path, fragile := Fragile(DOWN))
    for number in range(40):
        store.put(f"flows/{number}", b"x")
    store.put(B, b"x")
    fragile.error = None
    fragile.unfit["flows/"] = OSError("the store: a code that nobody knows")
    assert sum(store.drain() for _ in range(6)) == 1
    assert fragile.get(B) == b"x"


def test_full_spool_waits_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What neither store nor spool takes waits in memory, and is sent by the next drain, the newest version alone."""
    fragile, full = Fragile(OSError(errno.EMFILE, "Too many open files")), Fragile(OSError(errno.ENOSPC, "No space"))
    store = Spooled(fragile, Spool(full), pauses=())
    store.put(A, b"partial")
    store.put(A, b"whole")
    store.put(B, b"b")
    assert (store.held, store.lost, store.spooled) == (2, 0, 0)
    assert f"spooled {A} in memory alone" in caplog.text
    store.drain()
    assert store.held == 2
    fragile.error = None
    store.drain()
    assert fragile.done == [(A, b"whole"), (B, b"b")]
    assert (store.held, store.sent, store.lost) == (0, 2, 0)


def test_memory_goes_to_the_spool_when_that_is_back(tmp_path: Path) -> None:
    """While the store is still down, a spool that is back gets what is in memory."""
    full = Fragile(OSError(errno.ENOSPC, "No space"))
    store = Spooled(Fragile(DOWN), Spool(full), pauses=())
    store.put(A, b"1")
    full.error = None
    store.drain()
    assert (store.held, store.spooled, store.lost) == (0, 1, 0)
    store.put(B, b"2")
    assert (store.held, store.spooled) == (0, 2), "and is asked again"


def test_lost_is_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """Where memory is full as well, and at the end, the log names the key and the counter tells."""
    store = Spooled(Fragile(DOWN), Spool(Fragile(DOWN)), pauses=(), in_memory=2)
    store.put(A, b"22")
    store.put(B, b"1")
    assert (store.lost, store.held) == (1, 1)
    assert f"lost {B}" in caplog.text
    store.close(0.1)
    assert (store.lost, store.held) == (2, 0)
    assert f"lost {A}" in caplog.text


def test_hanging_spool(tmp_path: Path) -> None:
    """Store and spool on a file system that hangs: after the first wait nobody waits, and nothing is lost or reversed."""
    fragile, disk = Fragile(), Fragile()
    store = Spooled(fragile, Spool(disk), hold=0.2, spool_hold=0.2)
    fragile.goes_on.clear()
    disk.goes_on.clear()
    store.put(A, b"partial")
    began = time.monotonic()
    for number in range(200):
        store.put(f"flows/{number}", b"x")
    store.put(A, b"whole")
    assert time.monotonic() - began < 2
    assert store.lost == 0
    fragile.goes_on.set()
    disk.goes_on.set()
    deadline = time.monotonic() + 20
    while store.held or store.spool.waiting():
        store.drain()
        assert time.monotonic() < deadline
    assert fragile.get(A) == b"whole"
    assert len(list(fragile.keys())) == 201


def test_counters_are_exact(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """From 32 threads each object is counted once, spooled and sent."""
    caplog.set_level(logging.CRITICAL)
    store = make(tmp_path, fragile := Fragile(DOWN))

    def work(thread: int) -> None:
        for number in range(20):
            store.put(f"records/{thread}-{number}.json", b"x")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fragile.error = None
    drained(store)
    assert (store.spooled, store.sent, store.lost, store.held) == (640, 640, 0, 0)


def test_close_sends_what_is_spooled(tmp_path: Path) -> None:
    """With the store back at the end, one drain sends all; with it silent, the end does not wait for it."""
    store = make(tmp_path, fragile := Fragile(DOWN))
    for number in range(30):
        store.put(f"records/{number}.json", b"x")
    fragile.error = None
    store.close(5)
    assert len(list(fragile.keys())) == 30
    store.go_down("it hangs")
    fragile.goes_on.clear()
    began = time.monotonic()
    store.close(0.2)
    assert time.monotonic() - began < 5
    fragile.goes_on.set()


def test_foreign_keys_are_refused(tmp_path: Path) -> None:
    """A key that is none is an error of the caller, and is told."""
    with pytest.raises(ValueError, match="wanted a key"):
        make(tmp_path, MemoryStore()).put("../x", b"")
