"""A Messages event stream → the same without the secrets that are spread over several of its deltas."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from mitmclaude.redact.rule import Span


class _Delta(NamedTuple):
    """One streamed string: the bounds of its event's JSON, the event, the object in it that holds it, and the field."""

    bounds: Span
    event: dict[str, Any]
    part: dict[str, Any]
    field: str


_EVENT = re.compile(rb"data:(?<![^\r\n]data:) ?(\{[^\r\n]*)")


def _deltas(stream: bytes) -> Iterator[_Delta]:
    for m in _EVENT.finditer(stream):
        if b"content_block" not in m[1]:
            continue
        try:
            event = orjson.loads(m[1])
        except ValueError:
            continue
        part = event.get("delta", event.get("content_block"))
        if isinstance(part, dict):
            for name in ("text", "partial_json", "thinking"):
                if isinstance(part.get(name), str):
                    yield _Delta(m.span(1), event, part, name)


def _by_block(stream: bytes) -> dict[tuple[str, str], list[_Delta]]:
    by_block: dict[tuple[str, str], list[_Delta]] = {}
    for delta in _deltas(stream):
        by_block.setdefault((repr(delta.event.get("index")), delta.field), []).append(delta)
    return by_block


def _pieces(deltas: list[_Delta]) -> list[bytes]:
    return [delta.part[delta.field].encode() for delta in deltas]


def spread_texts(stream: bytes) -> Iterator[bytes]:
    """The strings that the deltas of `stream` make, one for each field of a block."""
    for deltas in _by_block(stream).values():
        yield b"".join(_pieces(deltas))


def _blank(
    deltas: list[_Delta], find: Callable[[bytes], list[Span]], mark: Callable[[bytes], bytes]
) -> Iterator[_Delta]:
    """The deltas that had to change: a secret's mark stands where it began, the others just lose their part of it."""
    pieces = _pieces(deltas)
    whole = b"".join(pieces)
    spans, first, at = find(whole), 0, 0
    for delta, piece in zip(deltas, pieces, strict=True):
        end = at + len(piece)
        while first < len(spans) and spans[first][1] <= at:
            first += 1
        kept, done, n = [b""], at, first
        while n < len(spans) and spans[n][0] < end:
            start, stop = spans[n]
            kept += [whole[done:start], mark(whole[start:stop]) if start >= at else b""]
            done, n = stop, n + 1
        if n > first:
            delta.part[delta.field] = b"".join([*kept, whole[done:end]]).decode()
            yield delta
        at = end


def blank_spread(stream: bytes, find: Callable[[bytes], list[Span]], mark: Callable[[bytes], bytes]) -> bytes:
    """`stream` with what `find` sees in the joined deltas of a block replaced by its `mark`.

    Only the data lines of events that lose something are written again.
    """
    blocks = _by_block(stream).values()
    touched = {delta.bounds: delta.event for deltas in blocks for delta in _blank(deltas, find, mark)}
    kept, done = [], 0
    for (start, end), event in sorted(touched.items(), key=lambda item: item[0]):
        kept += [stream[done:start], orjson.dumps(event)]
        done = end
    return b"".join([*kept, stream[done:]]) if touched else stream
