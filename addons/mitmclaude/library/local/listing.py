"""A store → which of its records are there, and in which state; only what may have changed since is looked at."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from mitmclaude.library.local.state import State
from mitmclaude.stores.file import FileStore
from mitmclaude.stores.protocol import Store

if TYPE_CHECKING:
    from pathlib import Path

RECORDS: Final = "records/"

SETTLED: Final = 2.0
"""Seconds after which a directory that changed has the time of its last change for good."""

LATE: Final = 15 * 60
"""Seconds that a listing goes back before the newest record: records of long calls come late."""

WHOLE_EVERY: Final = 3600.0
"""Seconds after which a bucket is listed as a whole again: what came later still, was replaced or pruned shows then."""


@dataclass
class Listing:
    """What was found; a day that is not in `found` has not changed."""

    found: dict[str, dict[str, str]] = field(default_factory=dict)
    """Key and stamp of each object, by day. A stamp changes with the content."""
    marks: dict[str, int | None] = field(default_factory=dict)
    """The mark of each day that was read to its end."""
    after: str = ""
    """Only keys that sort after it were listed."""
    listed_at: float | None = None
    """When it was begun, if it is of the whole store."""
    gone: tuple[str, ...] = ()
    """Days that are there no longer."""


def listing(store: Store, state: State, *, fresh: bool = False) -> Listing:
    """What has changed in `store` since `state`; with `fresh` all that is there. Raises OSError."""
    if isinstance(store, FileStore):
        return _of_directory(store.root, {} if fresh else {day: one.mark for day, one in state.days.items()}, state)
    from_s3 = getattr(store, "listed", None)
    now = time.time()
    if from_s3 is None:
        return _by_day(dict.fromkeys(store.keys(RECORDS), ""), state, "", now)
    is_whole = fresh or not state.after or now - state.listed_at > WHOLE_EVERY
    after = "" if is_whole else state.after
    return _by_day(dict(from_s3(RECORDS, after)), state, after, now if is_whole else None)


def day_of(key: str) -> str:
    """The day in a key, or an empty text."""
    before, _, rest = key.removeprefix(RECORDS).partition("/")
    return before.removeprefix("date=") if rest and before.startswith("date=") else ""


def horizon(key: str) -> str:
    """The key from which the next listing goes on when `key` is the newest: some minutes before it."""
    name = key.rpartition("/")[2]
    try:
        milliseconds = int(name[:8] + name[9:13], 16) - LATE * 1000
        day = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    begun = f"{max(milliseconds, 0):012x}"
    return f"{RECORDS}date={day:%Y-%m-%d}/{begun[:8]}-{begun[8:]}"


def _by_day(found: Mapping[str, str], state: State, after: str, listed_at: float | None) -> Listing:
    days: dict[str, dict[str, str]] = {}
    for key, stamp in found.items():
        days.setdefault(day_of(key), {})[key] = stamp
    gone = () if after else tuple(day for day in state.days if day not in days)
    return Listing(days, dict.fromkeys(days), after, listed_at, gone)


def _of_directory(root: "Path", marks: Mapping[str, int | None], state: State) -> Listing:
    listing = Listing()
    settled = time.time_ns() - int(SETTLED * 1e9)
    there: set[str] = set()
    try:
        entries = sorted(os.scandir(root / RECORDS), key=lambda entry: entry.name)
    except FileNotFoundError:
        entries = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        key = RECORDS + entry.name
        if not entry.is_dir():
            listing.found.setdefault("", {})[key] = _stamp(entry)
            there.add("")
            continue
        day = entry.name.removeprefix("date=") if entry.name.startswith("date=") else ""
        changed = entry.stat().st_mtime_ns
        there.add(day)
        if day and marks.get(day) == changed:
            continue
        listing.found.setdefault(day, {}).update(_entries(entry.path, f"{key}/"))
        listing.marks[day] = changed if day and changed < settled else None
    listing.gone = tuple(day for day in state.days if day not in there)
    return listing


def _entries(folder: str, before: str) -> dict[str, str]:
    with os.scandir(folder) as entries:
        return {before + entry.name: _stamp(entry) for entry in entries if not entry.name.startswith(".")}


def _stamp(entry: "os.DirEntry[str]") -> str:
    try:
        told = entry.stat()
    except FileNotFoundError:  # it was replaced or removed a moment ago
        return ""
    return f"{told.st_mtime_ns:x}-{told.st_size:x}"
