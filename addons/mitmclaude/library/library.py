"""One store, read through its local cache: the records of a selection, one record, its raw flow."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from mitmclaude.library.selection import Selection
from mitmclaude.record.record import Record
from mitmclaude.record.row import Row, row
from mitmclaude.stores import Store, open_store


class Library:
    """The records of one store. Every method raises OSError where the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self, selection: Selection | None = None) -> list[Row]:
        """The rows of the calls that are selected, oldest first."""
        chosen = selection or Selection()
        found = [row(self._read(key)) for key in self._store.keys("records/")]
        return sorted((one for one in found if chosen.matches(one)), key=lambda one: (one.started_at, one.id))

    def record(self, record_id: str) -> Record:
        """The record of a whole id; KeyError where there is none."""
        return self._read(self._key(record_id))

    def records(self, ids: Iterable[str]) -> Iterator[Record]:
        """The records of whole ids, in the order asked; KeyError where there is none."""
        return (self.record(one) for one in ids)

    def flow(self, of: Row | Record) -> bytes | None:
        """The raw flow of a call, decompressed, as mitmproxy reads it; None where there is none."""
        from mitmclaude.record import rawflow

        try:
            return rawflow.decompressed(self._store.get(of.flow)) if of.flow else None
        except KeyError:
            return None

    def resolve(self, name: str) -> str:
        """The whole id that `name` stands for: the beginning or end of one, ``last`` or ``-1`` for the newest, ``-2``
        for the one before; LookupError, in one line, where there is none or more than one."""
        ids = [_id(key) for key in self._store.keys("records/")]
        return resolved(name, ids)

    def clear(self) -> None:
        """Empty the local cache of this store; the store stays as it is."""

    def _key(self, record_id: str) -> str:
        found = [key for key in self._store.keys("records/") if _id(key) == record_id]
        if not found:
            raise KeyError(record_id)
        return found[0]

    def _read(self, key: str) -> Record:
        return Record.model_validate_json(self._store.get(key))


def open_library(url: str) -> Library:
    """The library of the store that `url` names; ValueError where it names none."""
    return Library(open_store(url))


def resolved(name: str, ids: list[str]) -> str:
    """The one of `ids`, which are sorted by time, that `name` stands for; see `Library.resolve`."""
    back = 1 if name == "last" else int(name[1:]) if name[:1] == "-" and name[1:].isdecimal() else 0
    if back:
        if back > len(ids):
            raise LookupError(f"wanted the call number {back} from the end, found {len(ids)} calls")
        return ids[-back]
    found = [one for one in ids if one.startswith(name) or one.endswith(name)]
    if len(found) != 1:
        told = f"{len(found)} records have an id" if found else "no record has an id"
        raise LookupError(f"{told} that begins or ends with {name!r}: wanted one")
    return found[0]


def _id(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]


def local_now() -> datetime:
    """Now, in the zone of this machine."""
    return datetime.now().astimezone()
