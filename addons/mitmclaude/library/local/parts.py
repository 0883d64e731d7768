"""Records of a store → a part of its local cache: one Parquet file with a row for each record.

Each record becomes one line of JSON, and DuckDB makes columns of the lines. What cannot be read is named and left out.
"""

import gc
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from mitmclaude.library.columns import COLUMNS, Unusual, columns, of_row
from mitmclaude.stores.file import FileStore
from mitmclaude.stores.open import open_store
from mitmclaude.stores.protocol import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SUFFIX: Final = ".parquet"
CODEC: Final = "lz4_raw"
ROW_GROUP: Final = 1024
"""Rows that are read, and held in memory, at once."""

MEMORY: Final = "200MB"
"""That DuckDB takes for itself in one process."""

LONGEST_LINE: Final = 1024 * 1024
"""Bytes of one line that DuckDB is told to expect, at least; it takes several times as much memory."""

type Wanted = tuple[str, str]
"""Key and stamp."""


class Made(NamedTuple):
    """What became of some records."""

    part: str | None
    """The name of the file; None where not one of them could be read."""
    rows: int
    skipped: dict[str, tuple[str, str]]
    gone: int
    """How many were there no longer."""


def connect() -> "DuckDBPyConnection":
    """A database in memory that touches nothing but what it is told to; ModuleNotFoundError without DuckDB."""
    import duckdb

    connection = duckdb.connect(config={"threads": 1, "memory_limit": MEMORY, "autoinstall_known_extensions": False})
    connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = true; set enable_progress_bar = false")
    return connection


def made_of(url: str, folder: Path, wanted: Sequence[Wanted], threads: int) -> Made:
    """A part of the records of the store at `url`; for a process of its own."""
    was_on = gc.isenabled()
    gc.disable()  # thousands of small objects that have no cycles
    try:
        return made(_store(url), folder, wanted, threads)
    finally:
        if was_on:
            gc.enable()


def made(store: Store, folder: Path, wanted: Sequence[Wanted], threads: int) -> Made:
    """A part of the records `wanted` of `store`, written below `folder`, aside first; raises OSError."""
    name = secrets.token_hex(8)
    lines: list[bytes] = []
    skipped: dict[str, tuple[str, str]] = {}
    gone = 0
    for (key, stamp), got in _contents(store, wanted, threads):
        try:
            lines.append(_line(key, stamp, got))
        except KeyError:
            gone += 1
        except ValueError as error:
            skipped[key] = (stamp, str(error))
    aside = folder / f".{name}.json"
    try:
        rows = _write(lines, aside, folder / f".{name}{SUFFIX}", skipped)
        if rows:
            (folder / f".{name}{SUFFIX}").replace(folder / f"{name}{SUFFIX}")
    finally:
        aside.unlink(missing_ok=True)
        (folder / f".{name}{SUFFIX}").unlink(missing_ok=True)
    return Made(f"{name}{SUFFIX}" if rows else None, rows, skipped, gone)


def rewritten(folder: Path, names: Sequence[str], without: Sequence[str] = ()) -> tuple[str | None, int]:
    """One part in the place of several, without the records at some keys: its name and its number of rows."""
    name = secrets.token_hex(8)
    aside = folder / f".{name}{SUFFIX}"
    files = [str(folder / one) for one in names]
    with connect() as connection:
        connection.execute("create table without (key varchar)")
        if without:
            connection.execute("insert into without select unnest(?)", [list(without)])
        kept = "select * from read_parquet($files) where key not in (select key from without) order by id"
        (rows,) = connection.execute(f"select count(*) from ({kept})", {"files": files}).fetchall()[0]  # noqa: S608
        if not rows:
            return None, 0
        to = f"(format parquet, compression {CODEC}, row_group_size {ROW_GROUP})"
        texts = ", ".join(_quoted(one) for one in files)
        connection.execute(f"copy ({kept.replace('$files', f'[{texts}]')}) to {_quoted(str(aside))} {to}")
    _private(aside)
    aside.replace(folder / f"{name}{SUFFIX}")
    return f"{name}{SUFFIX}", rows


@lru_cache(maxsize=1)
def _store(url: str) -> Store:
    return open_store(url)


def _contents(store: Store, wanted: Sequence[Wanted], threads: int) -> Iterator[tuple[Wanted, Callable[[], bytes]]]:
    """Each of `wanted` with what gives its content, or raises what `get` of the store raises."""
    if isinstance(store, FileStore) or threads == 1:
        for key, stamp in wanted:
            yield (key, stamp), lambda key=key: store.get(key)  # type: ignore[misc]
        return
    with ThreadPoolExecutor(threads) as pool:
        for one, got in zip(wanted, [pool.submit(store.get, key) for key, _ in wanted], strict=True):
            yield one, got.result


def _line(key: str, stamp: str, got: Callable[[], bytes]) -> bytes:
    """The line of a record; KeyError where it is gone, ValueError, in one line, where it cannot be read."""
    if not key.endswith(".json"):
        raise ValueError("not one of ours: wanted a name that ends in .json")
    try:
        content = got()
    except OSError as error:
        if error.filename is None:  # the store fails, and would for every other object
            raise
        raise ValueError(error.strerror or type(error).__name__) from error
    if not content:
        raise ValueError("it is empty")
    try:
        told = columns(content)
    except Unusual:
        told = _by_models(content)
    told["key"], told["stamp"] = key, stamp
    return orjson.dumps(told)


def _by_models(content: bytes) -> dict[str, Any]:
    from mitmclaude.record.record import to_json
    from mitmclaude.record.row import row
    from mitmclaude.record.stored import record_of

    record = record_of(content)
    return of_row(row(record), to_json(record))


def _write(lines: list[bytes], aside: Path, part: Path, skipped: dict[str, tuple[str, str]]) -> int:
    """Write a part and return its number of rows; lines that DuckDB does not take are skipped, and the others kept."""
    while lines and (problem := _copied(lines, aside, part)):
        if not (refused := _refused(lines, aside, part)):
            raise OSError(problem)
        for bad in refused:
            told = orjson.loads(bad)
            skipped[told["key"]] = (told["stamp"], f"the cache does not take it: {problem}")
            lines.remove(bad)
    return len(lines)


def _refused(lines: list[bytes], aside: Path, part: Path) -> list[bytes]:
    if not _copied(lines, aside, part):
        return []
    half = len(lines) // 2
    return lines if not half else _refused(lines[:half], aside, part) + _refused(lines[half:], aside, part)


def _copied(lines: list[bytes], aside: Path, part: Path) -> str | None:
    """Make a part of `lines`; what is wrong with them, if something is."""
    import duckdb

    with aside.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
    longest = max(LONGEST_LINE, 2 * max(map(len, lines)))
    names = ", ".join(f"{_quoted(name)}: {_quoted(_read(kind))}" for name, kind in COLUMNS.items())
    values = ", ".join(f'"{name}"::{kind} as "{name}"' for name, kind in COLUMNS.items())
    read = f"read_json({_quoted(str(aside))}, format = 'newline_delimited', columns = {{{names}}}, "
    read += f"maximum_object_size = {longest})"
    to = f"{_quoted(str(part))} (format parquet, compression {CODEC}, row_group_size {ROW_GROUP})"
    try:
        with connect() as connection:
            connection.execute(f"copy (select {values} from {read}) to {to}")  # noqa: S608
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise OSError(str(error).splitlines()[0]) from None
    except duckdb.Error as error:
        return str(error).splitlines()[0][:200]
    _private(part)
    return None


def _read(kind: str) -> str:
    """The type that DuckDB reads a column as; it knows money and times from texts only."""
    return "VARCHAR" if kind.startswith(("DECIMAL", "TIMESTAMP")) else kind


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _private(path: Path) -> None:
    os.chmod(path, 0o600)  # noqa: PTH101
