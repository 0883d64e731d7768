"""What a local cache holds: one small file beside its parts, replaced as a whole with each step of a fill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import orjson

NAME: Final = "state.json"

SCHEMA: Final = 1
"""Of the parts and of this file; a cache of another one is left alone, and made anew beside it."""


@dataclass
class Day:
    """What is known of one day of a store."""

    mark: int | None = None
    """The time of the last change to its directory; None where it was not read to its end."""
    parts: dict[str, int] = field(default_factory=dict)
    """File name and number of rows."""
    skipped: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What cannot be read: its key, its stamp, and why."""


@dataclass
class State:
    """All of a cache."""

    store: str = ""
    days: dict[str, Day] = field(default_factory=dict)
    after: str = ""
    """All keys up to it were listed."""
    listed_at: float = 0.0
    """When the store was last listed as a whole, in seconds since the Unix epoch."""

    @property
    def parts(self) -> list[str]:
        """The file names of all parts, oldest day first."""
        return [part for _, day in sorted(self.days.items()) for part in day.parts]

    @property
    def skipped(self) -> dict[str, str]:
        """What cannot be read, and why."""
        return {key: why for _, day in sorted(self.days.items()) for key, (_, why) in sorted(day.skipped.items())}


def read(folder: Path, store: str) -> State:
    """The state of the cache in `folder`; an empty one where there is none, or none that can be read."""
    try:
        kept = orjson.loads((folder / NAME).read_bytes())
        if kept.pop("schema") != SCHEMA:
            return State(store)
        days = kept.pop("days")
        state = State(**kept)
        state.days = {
            day: Day(of["mark"], of["parts"], {key: (stamp, why) for key, (stamp, why) in of["skipped"].items()})
            for day, of in days.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return State(store)
    there = {file.name for file in folder.iterdir()}
    for day, kept in tuple(state.days.items()):
        if not kept.parts.keys() <= there:  # somebody removed some of it: the day is read again
            del state.days[day]
            state.after = ""
    return state


def write(folder: Path, state: State) -> None:
    """Keep `state`, all of it or nothing."""
    aside = folder / f".{NAME}.{os.getpid()}"
    aside.write_bytes(orjson.dumps({"schema": SCHEMA, **asdict(state)}))
    aside.replace(folder / NAME)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process at a time fills a cache; another one waits. A process that dies lets go."""
    try:
        import fcntl
    except ImportError:  # Windows: the last to write its state wins, and what it lacks is read again
        yield
        return
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
