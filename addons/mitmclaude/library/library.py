"""One store, read through its local cache: the records of a selection, one record, its raw flow."""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Context
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mitmclaude.library.columns import CALLS, joined
from mitmclaude.library.folder import first_of, folder_of
from mitmclaude.library.local.fill import Cache, Nobody, Told, clear, filled
from mitmclaude.library.local.state import State
from mitmclaude.library.selection import Selection
from mitmclaude.library.where import NOTHING, VIEWS, condition
from mitmclaude.record.row import Row
from mitmclaude.stores.file import FileStore
from mitmclaude.stores.open import open_store
from mitmclaude.stores.protocol import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from mitmclaude.record.record import Record

MEMORY: Final = "350MB"
"""That a query takes; what does not fit goes to the disk."""

BATCH: Final = 500
"""Records that are read at once."""

_EXACT: Final = Context(prec=60)
_ROW: Final = ", ".join(f'"{name}"' for name in CALLS)


class Answer(NamedTuple):
    """What a statement gave."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Library:
    """The records of one store.

    The first question brings the local cache up to date; what could not be read is in `skipped`. Every method raises
    OSError, in one line, where the store or the cache fails.
    """

    def __init__(self, store: Store, url: str, folder: Path, told: Told | None = None) -> None:
        self.folder = folder
        self._store = store
        self._cache = Cache(store, url, folder)
        self._told = told or Nobody()

    def rows(self, selection: Selection | None = None) -> list[Row]:
        """The rows of the calls that are selected, oldest first."""
        return self._rows(*condition(selection or Selection()))

    def new_rows(self, seen: set[str]) -> list[Row]:
        """The rows of the calls whose ids are not in `seen`, oldest first; they are added to it."""
        found = self.query("select id from calls")
        if not (new := [one for (one,) in found if one not in seen]):
            return []
        seen.update(new)
        return self._rows("id in (select unnest($ids))", {"ids": new})

    def _rows(self, where: str, parameters: dict[str, Any]) -> list[Row]:
        found = self.query(f"select {_ROW} from calls where {where} order by started_at, id", parameters)  # noqa: S608
        at = list(CALLS).index("cost_usd")
        return [
            Row._make(one if (cost := one[at]) is None else (*one[:at], cost.normalize(_EXACT), *one[at + 1 :]))
            for one in found
        ]

    def record(self, record_id: str) -> "Record":
        """The record of a whole id; KeyError where there is none, ValueError where it cannot be read."""
        from mitmclaude.record.stored import record_of

        return record_of(self.stored(record_id))

    def stored(self, record_id: str) -> bytes:
        """The record of a whole id as it is stored; KeyError where there is none."""
        try:
            return self._store.get(_likely_key(record_id))
        except (KeyError, ValueError):
            found = self.query("select key from parts where id = ?", [record_id])
            return self._store.get(found[0][0] if found else self._skipped_key(record_id))

    def records(self, ids: Iterable[str]) -> Iterator["Record"]:
        """The records of whole ids, in the order asked, as the cache has them; KeyError where there is none."""
        from mitmclaude.record.stored import record_of

        asked = list(ids)
        for start in range(0, len(asked), BATCH):
            some = asked[start : start + BATCH]
            texts = "select id, rest, input, message from parts where id in (select unnest($ids))"
            found = {one: texts for one, *texts in self.query(texts, {"ids": some})}
            for one in some:
                yield record_of(joined(*found[one]))

    def flow(self, of: "Row | Record") -> bytes | None:
        """The raw flow of a call, decompressed, as mitmproxy reads it; None where there is none, ValueError where it
        is damaged."""
        import zstandard

        from mitmclaude.record import rawflow

        try:
            return rawflow.decompressed(self._store.get(of.flow)) if of.flow else None
        except KeyError:
            return None
        except zstandard.ZstdError as error:
            raise ValueError(f"{of.flow}: damaged, or not compressed with zstd: {error}") from None

    def resolve(self, name: str) -> str:
        """The whole id that `name` stands for: the beginning or end of one, ``last`` or ``-1`` for the newest, ``-2``
        for the one before; LookupError, in one line, where there is none or more than one."""
        back = back_of(name)
        ids = _ids_in(self._store.root, back) if isinstance(self._store, FileStore) else self._ids()
        return resolved(name, ids)

    def query(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """The rows that a query of our own over the views, or over `parts`, gives; OSError where it fails, ValueError
        for a pattern that is none."""
        import duckdb

        try:
            return self.connection.execute(sql, parameters).fetchall()
        except duckdb.InvalidInputException as error:
            raise ValueError(str(error).splitlines()[0]) from error
        except duckdb.Error as error:
            raise OSError(f"{self.folder}: {str(error).splitlines()[0]}") from error

    def ask(self, statement: str) -> "Answer":
        """What one SELECT of anybody's gives; ValueError, in one line, where it is none or fails.

        It runs in a database of its own, which reads the parts of the cache and can reach nothing else: no other file,
        no network, no setting, no variable of this process.
        """
        import duckdb

        connection = self._sandbox
        try:
            statements = connection.extract_statements(statement)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise ValueError(
                    "wanted one SELECT: this reads the views calls, contents and findings, and nothing else"
                )
            found = connection.execute(statements[0])
            return Answer([one[0] for one in found.description or ()], found.fetchall())
        except duckdb.Error as error:
            raise ValueError(" ".join(str(error).split("\n\n")[0].split())) from error

    @cached_property
    def _sandbox(self) -> "DuckDBPyConnection":
        connection = self._connected()
        files = ", ".join(_quoted(file) for file in self.files)
        for setting in (
            "temp_directory = ''",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            f"allowed_paths = [{files}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"set {setting}")
        return connection

    def use_zone(self, name: str) -> None:
        """Days and hours are those of this zone, by its name in the IANA database; of UTC where it is not known."""
        import duckdb

        try:
            self.connection.execute("set TimeZone = '" + name.replace("'", "") + "'")
        except duckdb.Error:
            self.connection.execute("set TimeZone = 'UTC'")

    @cached_property
    def connection(self) -> "DuckDBPyConnection":
        """A database in memory with a view of each part that is documented."""
        return self._connected()

    def _connected(self) -> "DuckDBPyConnection":
        import duckdb

        connection = duckdb.connect(
            config={"memory_limit": MEMORY, "autoinstall_known_extensions": False, "python_enable_replacements": False}
        )
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        self._make_views(connection)
        return connection

    @cached_property
    def state(self) -> State:
        """What the cache holds, brought up to date."""
        state = filled(self._cache, self._told)
        self._told.skips(state.skipped)
        return state

    def refresh(self, *, fresh: bool = False) -> None:
        """Look for what is new in the store; with `fresh`, also for what was replaced or removed long ago."""
        self.state = filled(self._cache, self._told, fresh=fresh)
        self.__dict__.pop("_sandbox", None)
        if "connection" in self.__dict__:
            self._make_views(self.connection)

    @property
    def skipped(self) -> Mapping[str, str]:
        """What cannot be read: its key, and why."""
        return self.state.skipped

    @property
    def files(self) -> list[Path]:
        """The parts of the cache."""
        return [self.folder / part for part in self.state.parts]

    def clear(self) -> None:
        """Empty the local cache of this store; the store stays as it is."""
        clear(self.folder)
        self.__dict__.pop("state", None)
        for made in ("connection", "_sandbox"):
            self.__dict__.pop(made, None)

    def _make_views(self, connection: "DuckDBPyConnection") -> None:
        files = ", ".join(_quoted(file) for file in self.files)
        parts = f"select * from read_parquet([{files}])" if files else NOTHING  # noqa: S608
        connection.execute(f"create or replace view parts as {parts}")
        for name, sql in VIEWS.items():
            connection.execute(f"create or replace view {name} as {sql}")

    def _ids(self) -> list[str]:
        return [one for (one,) in self.query("select id from parts order by id")]

    def _skipped_key(self, record_id: str) -> str:
        for key in self.skipped:
            if _id(key) == record_id:
                return key
        raise KeyError(record_id)


def open_library(url: str, told: Told | None = None, environment: Mapping[str, str] = os.environ) -> Library:
    """The library of the store that `url` names, of the first of several; ValueError where it names none.

    Its cache is a directory of the user's, named after the store. ModuleNotFoundError without DuckDB.
    """
    import duckdb  # noqa: F401  the one thing that may be missing

    first = first_of(url)
    return Library(open_store(first), first, folder_of(first, environment), told)


def resolved(name: str, ids: list[str]) -> str:
    """The one of `ids`, which are sorted by time, that `name` stands for; see `Library.resolve`."""
    if back := back_of(name):
        if back > len(ids):
            raise LookupError(f"wanted the call number {back} from the end, found {len(ids)} calls")
        return ids[-back]
    found = [one for one in ids if one.startswith(name) or one.endswith(name)]
    if len(found) != 1:
        told = f"{len(found)} records have an id" if found else "no record has an id"
        raise LookupError(f"{told} that begins or ends with {name!r}: wanted one")
    return found[0]


def back_of(name: str) -> int:
    """How many from the end ``last``, ``-1``, ``-2`` … mean; 0 for any other name."""
    if name == "last":
        return 1
    return int(name[1:]) if name[:1] == "-" and name[1:].isdecimal() and len(name) < 8 else 0


def _ids_in(root: Path, back: int) -> list[str]:
    """The ids in a directory, sorted; where only the last ones are wanted, of as many days as have them."""
    found: list[str] = []
    records = root / "records"
    for day in sorted(os.listdir(records) if records.is_dir() else (), reverse=True):  # noqa: PTH208  100,000 names
        if day.startswith("date="):
            names = os.listdir(records / day)  # noqa: PTH208
            found += [name.removesuffix(".json") for name in names if name.endswith(".json") and name[0] != "."]
        if back and len(found) >= back:
            break
    return sorted(found)


def _likely_key(record_id: str) -> str:
    """Where a record of ours lies: its id begins with the time; ValueError where it does not."""
    from mitmclaude.record.record import record_key

    milliseconds = int(record_id[:8] + record_id[9:13], 16)
    try:
        return record_key(record_id, datetime.fromtimestamp(milliseconds / 1000, UTC))
    except (OverflowError, OSError) as error:
        raise ValueError(record_id) from error


def _quoted(file: Path) -> str:
    return "'" + str(file).replace("'", "''") + "'"


def _id(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]
