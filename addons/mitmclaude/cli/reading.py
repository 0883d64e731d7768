"""Stored objects → records and raw flows; what cannot be read is named, counted, and passed over."""

from collections.abc import Callable

import typer
import zstandard

from mitmclaude.cli.opened import Opened, fail
from mitmclaude.record import rawflow
from mitmclaude.record.record import Record
from mitmclaude.record.stored import record_of

__all__ = ["Reading", "flow_of", "record_of"]


class Reading:
    """Reads objects of one store; names on stderr what cannot be read, as it comes to it."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.skipped = 0

    def record(self, key: str) -> Record | None:
        """The record under `key`; None where none can be read."""
        return self._read(key, ".json", record_of)

    def flow(self, key: str) -> bytes | None:
        """The raw flow under `key` as mitmproxy reads it; None where none can be read."""
        return self._read(key, ".mitm.zst", flow_of)

    def end(self, missing: str = "") -> None:
        """End the command with a status other than 0 if something is `missing` or was passed over, with the count."""
        objects = "1 object" if self.skipped == 1 else f"{self.skipped} objects"
        wrong = [missing] * bool(missing) + [f"{objects} could not be read, named above"] * bool(self.skipped)
        if wrong:
            fail("; ".join(wrong))

    def _read[T](self, key: str, suffix: str, read: Callable[[bytes], T]) -> T | None:
        why = f"not one of ours: wanted a name that ends in {suffix}"
        if key.endswith(suffix):
            try:
                return read(self.opened.get(key))
            except ValueError as error:
                why = str(error)
        self.skipped += 1
        typer.echo(f"skipped {self.opened.path(key)}: {why}", err=True)
        return None


def flow_of(content: bytes) -> bytes:
    """The one flow in a compressed object; ValueError with one line where there is none."""
    try:
        flow = rawflow.decompressed(content)
    except zstandard.ZstdError as error:
        raise ValueError(f"damaged, or not compressed with zstd: {error}") from None
    length, colon, rest = flow.partition(
        b":"
    )  # as mitmproxy writes it: a length, so many bytes, and a mark of the type
    if not colon or not length.isdigit() or len(length) > 12 or len(rest) != int(length) + 1:
        raise ValueError("not a flow of mitmproxy, or one that is cut off")
    return flow
