"""Text with needless JSON escapes → the same text without them, and the way back.

Some writers escape what they need not: PHP `\\/`, .NET `\\u002B`, Go `\\u0026`. The view has the escapes that most
writers use, at each level of nesting: whoever looks for `\\"` or `\\n` need not know others, and JSON stays JSON.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from mitmclaude.redact.rule import Span

ESCAPES = (
    *(rb"\/", rb"\u2192", rb"\u0009", rb"\u000a", rb"\u000A", rb"\u000d", rb"\u000D"),
    *(rb"\u002", rb"\u003", rb"\u004", rb"\u005", rb"\u006", rb"\u007"),
)
"""One of these begins whatever stands in another way in the view."""

_RUN = re.compile(rb"\\(?<!\\\\)\\*+(?:/|u(00(?:0[9aAdD]|[2-7][0-9a-fA-F])|2192))")
_BY_LETTER = {0x09: b"t", 0x0A: b"n", 0x0D: b"r"}


@dataclass(frozen=True, slots=True)
class View:
    """`text` without the escapes; of each that was there: its start in `text`, its end there, its span before."""

    text: bytes
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    before: list[Span] = field(default_factory=list)

    def span_before(self, span: Span) -> Span:
        """Where a `span` of `text` was; an escape is never cut."""
        return self._place(span[0])[0], self._place(span[1] - 1)[1]

    def _place(self, at: int) -> Span:
        n = bisect_right(self.starts, at) - 1
        if n < 0:
            return at, at + 1
        if at < self.ends[n]:
            return self.before[n]
        start = self.before[n][1] + at - self.ends[n]
        return start, start + 1


def view(b: bytes) -> View:
    """`b` without needless escapes."""
    seen = View(b"")
    kept, done, size = [], 0, 0
    for m in _RUN.finditer(b):
        plain = _plain(m)
        size += m.start() - done
        kept += [b[done : m.start()], plain]
        seen.starts.append(size)
        seen.before.append(m.span())
        size += len(plain)
        seen.ends.append(size)
        done = m.end()
    return View(b"".join([*kept, b[done:]]), seen.starts, seen.ends, seen.before)


def _plain(m: re.Match[bytes]) -> bytes:
    if m[1] is None:
        return b"/"
    slashes, code = m.start(1) - 1 - m.start(), int(m[1], 16)
    doubled = slashes & -slashes  # as often as the escape's level of nesting doubles backslashes
    if code == 0x22:
        return b"\\" * (slashes + doubled - 1) + b'"'
    if code == 0x5C:
        return b"\\" * (slashes + doubled)
    if code in _BY_LETTER:
        return b"\\" * slashes + _BY_LETTER[code]
    return chr(code).encode()
