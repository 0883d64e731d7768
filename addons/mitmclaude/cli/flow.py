"""`mitmclaude flow`: raw flows as a flow file of mitmproxy."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, fail, key_of, opened
from mitmclaude.cli.reading import Reading


def flow(
    record_ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids, or their beginnings or ends.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write, e.g. calls.mitm.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the raw flows of records into one file, for `mitmweb -nr FILE` or `mitmproxy -nr FILE`."""
    reading = Reading(opened(store))
    keys = reading.opened.keys("flows/")
    found = [key_of(reading.opened, keys, "raw flow", record_id) for record_id in record_ids]
    flows = (content for key in found if (content := reading.flow(key)) is not None)
    try:
        written = _write(output, flows)
    except OSError as error:
        fail(f"cannot write {output.absolute()}: {error.strerror or error}")
    if written:
        typer.echo(f"{written} flow{'s' * (written > 1)} in {output}")
    reading.end()


def _write(output: Path, flows: Iterable[bytes]) -> int:
    """Write `flows` to `output` and return how many there are; without any, or cut short, `output` stays as it was."""
    flows = iter(flows)
    if (content := next(flows, None)) is None:
        return 0
    written = 0
    with _appearing(output) as file:
        while content is not None:
            file.write(content)
            written += 1
            content = next(flows, None)
    return written


@contextmanager
def _appearing(output: Path) -> Iterator[BinaryIO]:
    """A file that only its owner reads, and that appears as `output` once it is whole; a pipe is written to."""
    if output.exists() and not output.is_file():
        with output.open("wb") as file:
            yield file
        return
    real = output.resolve()  # a link stays one
    aside = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        with open(aside, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            yield file
        aside.replace(real)
    finally:
        aside.unlink(missing_ok=True)
