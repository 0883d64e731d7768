"""Bring the local cache of a store up to date: only what is new or has changed is read, in several processes."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Protocol

from mitmclaude.library.local import state as states
from mitmclaude.library.local.listing import Listing, horizon, listing
from mitmclaude.library.local.parts import SUFFIX, Made, Wanted, connect, made, made_of, rewritten
from mitmclaude.library.local.state import Day, State
from mitmclaude.stores.protocol import Store

CHUNK: Final = 1_000
"""Records of one part."""

FEW: Final = 1_000
"""Records up to which this process does it alone."""

FETCHES: Final = 32
"""Objects that are fetched at a time from a store that is not a directory."""

SMALL: Final = 500
"""Rows up to which a part is put together with others like it."""

MOST_SMALL: Final = 8
"""Small parts that a day may have."""

ABANDONED: Final = 3600.0
"""Seconds after which a file that no state names is removed: a reader may have it open until then."""


class Told(Protocol):
    """Who is told what a fill does."""

    def reads(self, done: int, total: int) -> None:
        """`done` records of `total` are read."""

    def ends(self) -> None:
        """Nothing more is read, or no more can be."""

    def skips(self, skipped: Mapping[str, str]) -> None:
        """All that cannot be read: its key, and why."""


class Nobody:
    """Is told, and does nothing with it."""

    def reads(self, done: int, total: int) -> None: ...
    def ends(self) -> None: ...
    def skips(self, skipped: Mapping[str, str]) -> None: ...


@dataclass(frozen=True)
class Cache:
    """Where a store is cached."""

    store: Store
    url: str
    """For the processes that help; each opens the store by itself."""
    folder: Path


def filled(cache: Cache, told: Told, *, fresh: bool = False) -> State:
    """Bring `cache` up to date and return what it holds; raises OSError where the store fails.

    Each part that is whole is kept at once, so that an interrupted fill goes on where it was.
    """
    cache.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = states.read(cache.folder, cache.url)
    if not (found := listing(cache.store, known, fresh=fresh)).found and not found.gone:
        return _listed(cache, known, found)
    with states.locked(cache.folder):
        state = states.read(cache.folder, cache.url)
        if state != known:  # another process was quicker
            found = listing(cache.store, state, fresh=fresh)
        fill = _Fill(cache, state, told)
        try:
            fill.take(found)
        finally:
            told.ends()
            _sweep_begun(cache.folder)
        return fill.state


def clear(folder: Path) -> None:
    """Remove the files of a cache; a process that reads it meanwhile may fail."""
    if not folder.is_dir():
        return
    with states.locked(folder):
        for file in folder.iterdir():
            if file.name != ".lock":
                file.unlink(missing_ok=True)


class _Fill:
    """One fill, by the process that holds the lock."""

    def __init__(self, cache: Cache, state: State, told: Told) -> None:
        self.cache, self.state, self._told = cache, state, told

    def take(self, found: Listing) -> None:
        """Make the cache what `found` says of the store."""
        for day in found.gone:
            self.state.days.pop(day, None)
        wanted: list[tuple[str, list[Wanted]]] = []
        outdated: dict[str, list[str]] = {}
        for day, there in found.found.items():
            known = self._known(day, found.after)
            kept = self.state.days.setdefault(day, Day())
            kept.skipped = {
                key: of
                for key, of in kept.skipped.items()
                if there.get(key) == of[0] or (found.after and key <= found.after)
            }
            new = [(key, stamp) for key, stamp in there.items() if known.get(key) != stamp and key not in kept.skipped]
            wanted += [(day, new[start : start + CHUNK]) for start in range(0, len(new), CHUNK)]
            changed = {key for key, _ in new} | (known.keys() - there.keys())
            outdated[day] = sorted(changed & known.keys())
        self._read(wanted, outdated)
        if wanted:
            self._set_clashes_aside()
        for day, mark in found.marks.items():
            self.state.days[day].mark = mark
        self._end(found)

    def _read(self, wanted: Sequence[tuple[str, list[Wanted]]], outdated: dict[str, list[str]]) -> None:
        total = done = sum(len(chunk) for _, chunk in wanted)
        done = 0
        for day, chunk, part in self._parts(wanted, total):
            kept = self.state.days[day]
            kept.skipped |= part.skipped
            new = {key for key, _ in chunk}
            if replaced := [key for key in outdated[day] if key in new]:
                self._without(kept, replaced)
            if part.part:
                kept.parts[part.part] = part.rows
            done += len(chunk)
            self._save()
            self._told.reads(done, total)
        for day, keys in outdated.items():
            read = {key for of, chunk in wanted if of == day for key, _ in chunk}
            if left := [key for key in keys if key not in read]:
                self._without(self.state.days[day], left)

    def _parts(
        self, wanted: Sequence[tuple[str, list[Wanted]]], total: int
    ) -> Iterator[tuple[str, list[Wanted], Made]]:
        """The part of each chunk, as they are made."""
        cache = self.cache
        self._told.reads(0, total)
        if total <= FEW or not cache.url:
            for day, chunk in wanted:
                with _held_back():
                    part = made(cache.store, cache.folder, chunk, FETCHES)
                yield day, chunk, part
            return
        workers = (
            min(4, os.process_cpu_count() or 1) if hasattr(os, "process_cpu_count") else min(4, os.cpu_count() or 1)
        )
        with _pool(workers) as pool, _held_back() as interrupted:
            begun: dict[Future[Made], tuple[str, list[Wanted]]] = {}
            waiting = list(reversed(wanted))
            while begun or (waiting and not interrupted.is_set()):
                while waiting and len(begun) < 2 * workers and not interrupted.is_set():
                    day, chunk = waiting.pop()
                    begun[pool.submit(made_of, cache.url, cache.folder, chunk, FETCHES // workers)] = day, chunk
                for future in wait(begun, return_when=FIRST_COMPLETED).done:
                    yield *begun.pop(future), future.result()

    def _known(self, day: str, after: str) -> dict[str, str]:
        """Key and stamp of each row of a day, of those that sort after `after`."""
        if (kept := self.state.days.get(day)) is None or not kept.parts:
            return {}
        files = [str(self.cache.folder / part) for part in kept.parts]
        with connect() as connection:
            asked = "select key, stamp from read_parquet($files) where key > $after"
            return dict(connection.execute(asked, {"files": files, "after": after}).fetchall())

    def _without(self, kept: Day, keys: Sequence[str]) -> None:
        """Write those parts of a day again that hold one of `keys`, without it."""
        files = {str(self.cache.folder / part): part for part in kept.parts}
        with connect() as connection:
            asked = (
                "select distinct filename from read_parquet($files, filename = true) "
                "where key in (select unnest($keys))"
            )
            held = connection.execute(asked, {"files": list(files), "keys": list(keys)}).fetchall()
        for (file,) in held:
            self._replace(kept, [files[file]], keys)

    def _set_clashes_aside(self) -> None:
        """Where several records have one id, the first key keeps it; the others are skipped, and named."""
        files = {str(self.cache.folder / part): day for day, kept in self.state.days.items() for part in kept.parts}
        if not files:
            return
        asked = """
            select key, stamp, filename, min(key) over (partition by id) as first
            from read_parquet($files, filename = true)
            where id in (select id from read_parquet($files) group by id having count(*) > 1)
            qualify key <> first"""
        with connect() as connection:
            clashes = connection.execute(asked, {"files": list(files)}).fetchall()
        for key, stamp, file, first in clashes:
            kept = self.state.days[files[file]]
            kept.skipped[key] = (stamp, f"its id is that of {first} as well")
        for day in {files[file] for _, _, file, _ in clashes}:
            self._without(self.state.days[day], [key for key, *_ in clashes])

    def _replace(self, kept: Day, names: Sequence[str], without: Sequence[str] = ()) -> None:
        name, rows = rewritten(self.cache.folder, names, without)
        for old in names:
            del kept.parts[old]
        if name:
            kept.parts[name] = rows

    def _end(self, found: Listing) -> None:
        for kept in self.state.days.values():
            small = [part for part, rows in kept.parts.items() if rows <= SMALL]
            if len(small) > MOST_SMALL:
                self._replace(kept, small)
        for day in [day for day, kept in self.state.days.items() if not kept.parts and not kept.skipped]:
            if self.state.days[day].mark is None:
                del self.state.days[day]
        _note(self.state, found)
        self._save()
        _sweep(self.cache.folder, self.state)

    def _save(self) -> None:
        states.write(self.cache.folder, self.state)


def _listed(cache: Cache, known: State, found: Listing) -> State:
    """Keep what a listing that found nothing new told."""
    if found.listed_at is not None:
        with states.locked(cache.folder):
            known = states.read(cache.folder, cache.url)
            _note(known, found)
            states.write(cache.folder, known)
    return known


def _note(state: State, found: Listing) -> None:
    if found.listed_at is not None:
        state.listed_at = found.listed_at
    newest = max((max(there) for there in found.found.values() if there), default="")
    state.after = max(state.after, horizon(newest)) if newest else state.after


def _sweep_begun(folder: Path) -> None:
    """Remove what a worker that was interrupted has begun; only whoever holds the lock has workers."""
    for file in folder.glob(".*.json"):
        file.unlink(missing_ok=True)


def _sweep(folder: Path, state: State) -> None:
    """Remove what no state names and nobody reads any more."""
    named = {*state.parts, states.NAME, ".lock"}
    for file in folder.iterdir():
        if file.name not in named:
            with suppress(OSError):
                if file.suffix not in (SUFFIX, ".json") or time.time() - file.stat().st_mtime > ABANDONED:
                    file.unlink()


@contextmanager
def _held_back() -> Iterator[threading.Event]:
    """Hold the user's Ctrl-C back until what is in hand is kept; a second one ends it at once."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def press(_number: int, _frame: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        raise KeyboardInterrupt


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that the user's Ctrl-C does not reach: they end with what they have begun."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_in_peace)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_peace() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
