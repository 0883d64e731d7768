"""Bytes of a server-sent event stream → events. https://html.spec.whatwg.org/multipage/server-sent-events.html

Sans I/O and linear: each byte is taken once, whatever the size of the chunks. Chunks may be cut anywhere, also inside a
CRLF pair, the byte order mark or a UTF-8 sequence. Only the fields ``event`` and ``data`` count here; ``id``,
``retry``, unknown fields and comments are passed over. An event that has no blank line behind it is not dispatched.
"""

import json
import re
from typing import Any, Final, NamedTuple

import orjson

from mitmclaude.depth import MAX_DEPTH, is_too_deep

_BOM: Final = b"\xef\xbb\xbf"
_ENDINGS: Final = (b"\n", b"\r")
_WHOLE: Final = re.compile(rb"event: ([^\r\n]+)\ndata: ([^\r\n]*)\n\n")
"""A whole event as the API writes it, which is taken in one step."""
_BLANK: Final = frozenset({b"\n", b"\r\n", b"\r"})
MAX_EVENT_BYTES: Final = 64 * 1024 * 1024
"""Twice what the API takes as a request; no event of an answer comes near it."""


class Event(NamedTuple):
    """One dispatched event."""

    name: str
    """From the last ``event`` line; ``message`` if there was none, or an empty one."""
    data: bytes
    """The values of the ``data`` lines joined by LF, as they came."""
    end: int
    """Offset in the stream behind the byte that ended the blank line: of CRLF the CR, wherever the chunks are cut."""


class Decoder:
    """Gives the events that each chunk completes."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._fed = 0  # bytes of the stream so far
        self._line = bytearray()  # the last line, while it has no end
        self._after_cr = False  # a LF that comes next belongs to the line before
        self._at_start = True  # no line is complete yet
        self._name = b""
        self._data: list[bytes] = []
        self._held = 0  # bytes in _data, and one for each line

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes.

        Raises ValueError if `max_event_bytes` and more are held of an event that has no end yet. That is asked before
        a chunk is taken, so no event is lost, and never more than the limit and one chunk are held.
        """
        if self._held + len(self._line) > self._max:
            raise ValueError(f"a server-sent event has no end after {self._max} bytes")
        events: list[Event] = []
        if self._at_start or self._line or self._data or self._name:  # within an event: to its end first
            cut = chunk.find(b"\n\n") + 2
            if cut < 2:
                return self._take_any(chunk)
            events, chunk = self._take_any(chunk[:cut]), chunk[cut:]
        if self._after_cr:
            return events + self._take_any(chunk)
        at = 0
        while event := _WHOLE.match(chunk, at):
            at = event.end()
            events.append(Event(event[1].decode(errors="replace"), event[2], self._fed + at))
        self._fed += at
        return events + self._take_any(chunk[at:]) if at < len(chunk) else events

    def _take_any(self, chunk: bytes) -> list[Event]:
        start = self._fed
        self._fed += len(chunk)
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk, start = chunk[1:], start + 1
        lines = chunk.splitlines(keepends=True)  # of bytes it knows CR, LF and CRLF only, just as the specification
        rest = lines.pop() if lines and not lines[-1].endswith(_ENDINGS) else b""
        if lines:
            self._after_cr = not rest and lines[-1].endswith(b"\r")
            start -= len(self._line)
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
            if self._at_start and lines[0].startswith(_BOM):
                lines[0], start = lines[0].removeprefix(_BOM), start + len(_BOM)
            self._at_start = False
        self._line += rest
        return self._take(lines, start)

    def _take(self, lines: list[bytes], start: int) -> list[Event]:
        events: list[Event] = []
        for line in lines:
            if line in _BLANK:
                if self._data:
                    name = self._name.decode(errors="replace") or "message"
                    events.append(Event(name, b"\n".join(self._data), start + 1))
                    self._data, self._held = [], 0
                self._name = b""
            else:
                self._field(line)
            start += len(line)
        return events

    def _field(self, line: bytes) -> None:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
            self._held += len(value) + 1
        elif field == b"event":
            self._name = value.removeprefix(b" ")


def decode(raw: bytes) -> list[Event]:
    """The events of a whole stream; without a limit, as `raw` is in memory already."""
    return Decoder(max_event_bytes=len(raw)).feed(raw)


def loads(data: bytes) -> Any:
    """The JSON value in `data`; ValueError if it is none, or nested deeper than MAX_DEPTH.

    Lone surrogates and bytes that are not UTF-8, which clients let through, become U+FFFD, so that it can be written.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            text = json.dumps(json.loads(data.decode(errors="replace")), ensure_ascii=False)
        except RecursionError:
            raise ValueError(f"JSON nested deeper than {MAX_DEPTH}") from None
        value = orjson.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    if is_too_deep(value, data):
        raise ValueError(f"JSON nested deeper than {MAX_DEPTH}")
    return value
