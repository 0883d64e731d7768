"""Open the store that a subcommand reads, and find what the user named in it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mitmclaude import directories
from mitmclaude.schemes import directory_of, split
from mitmclaude.stores import Store, open_store

FAILED, WRONG = 1, 2
"""Exit statuses: something was not found or cannot be read; the command was given what it cannot take."""

DEFAULT_STORE = directories.captures(os.environ, sys.platform)

StoreOption = Annotated[
    str,
    typer.Option("--store", envvar="CLAUDE_STORE", help="Where to read, as in claude_store: e.g. s3://bucket/prefix."),
]


@dataclass(frozen=True)
class Opened:
    """A store and the place that the user knows it by: an absolute path, or URLs without their options."""

    store: Store
    place: str

    def path(self, key: str) -> str:
        """Where an object lies, fit to be printed."""
        return printable(f"{key} in {self.place}" if "," in self.place else f"{self.place}/{key}")

    def keys(self, kind: str) -> list[str]:
        """The keys that begin with `kind`, sorted."""
        with ending():
            return list(self.store.keys(kind))

    def get(self, key: str) -> bytes:
        """The content under `key`; ValueError, in one line, where this one object is empty or cannot be had."""
        try:
            content = self.store.get(key)
        except KeyError:
            raise ValueError("it is gone, or parts of it are") from None
        except OSError as error:
            if error.filename is None:  # the store fails, and would for every other object
                fail(printable(str(error)))
            raise ValueError(error.strerror or type(error).__name__) from error
        if not content:
            raise ValueError("it is empty")
        return content


def opened(url: str) -> Opened:
    """The store at `url`; a directory that is not there ends the command: it is not an empty store."""
    try:
        with ending():
            store = open_store(url)
    except ValueError as error:
        fail(f"--store: {error}", WRONG)
    place = place_of(url)
    if is_directory(url):
        try:
            next(Path(place).iterdir(), None)
        except (FileNotFoundError, NotADirectoryError):
            fail(f"no directory {printable(place)}: nothing was captured there")
        except OSError as error:
            fail(f"cannot read the directory {printable(place)}: {error.strerror or error}")
    return Opened(store, place)


def place_of(url: str) -> str:
    """The place that a store's URL names, without options, which may hold an address of one's own."""
    if is_directory(url):
        path = Path(url.removeprefix("file:").removeprefix("//")).expanduser()
        return os.path.abspath(path)  # noqa: PTH100  resolve() would follow links
    return ",".join(each.partition("?")[0] for each in split(url))


def is_directory(url: str) -> bool:
    """Whether a store's URL names one directory."""
    return directory_of(url) is not None


def key_of(opened_store: Opened, keys: Sequence[str], what: str, name: str) -> str:
    """The one of `keys` whose id begins or ends with `name`; `what` is ``record`` or ``raw flow``."""
    found = [key for key in keys if _id(key).startswith(name) or _id(key).endswith(name)]
    if len(found) != 1:
        told = f"{len(found)} {what}s have an id" if found else f"no {what} has an id"
        fail(f"{told} that begins or ends with {name!r} in {printable(opened_store.place)}: wanted one")
    return found[0]


def printable(text: str) -> str:
    """`text` for a terminal: names of foreign files may hold anything."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def fail(line: str, status: int = FAILED) -> NoReturn:
    """End the command with one line on stderr, which no frame breaks."""
    typer.echo(f"mitmclaude: {line}", err=True)
    raise typer.Exit(status)


@contextmanager
def ending() -> Iterator[None]:
    """End the command where the store itself fails."""
    try:
        yield
    except OSError as error:
        fail(printable(str(error)))


def _id(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]
