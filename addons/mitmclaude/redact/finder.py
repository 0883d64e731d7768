"""Bytes → the spans in them that look like credentials.

A span never holds a quote and always lies within a string if the bytes are JSON.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from mitmclaude.redact.literals import RULES, hits
from mitmclaude.redact.rule import Span
from mitmclaude.redact.unescape import view

_LEVELS = 3
"""How often escapes of escapes are looked into."""


def find(b: bytes, literals: Iterable[bytes] = (), *, by_engine: bool = True) -> list[Span]:
    """The spans to blank in `b`: what looks like a credential, and the `literals`; in order, none touching another.

    Escaped forms count as what they stand for. Without `by_engine` it works as it does where Hyperscan is missing.
    """
    literals, found = tuple(literals), list[Span]()
    for _ in range(4):  # blanking one may show where another begins, which was glued to it; chains of them are not real
        spans = [(_after_escape(b, start), end) for start, end in _spans(b, literals, by_engine, _LEVELS)]
        if not spans:
            break
        found = _merged(found + spans)
        kept, done = [], 0
        for start, end in found:
            kept += [b[done:start], b"[", b"]" * (end - start - 1)]  # as long as before, and like a mark at both ends
            done = end
        b = b"".join([*kept, b[done:]])
    return found


def _spans(b: bytes, literals: tuple[bytes, ...], by_engine: bool, levels: int) -> Iterator[Span]:
    done, has_escapes = [0] * len(RULES), False
    for window in hits(b, by_engine):
        has_escapes |= window.has_escapes
        for start, number in window.at:
            rule = RULES[number]
            start -= rule.back
            if start >= done[number] and (m := _pattern(number).match(b, start)):
                done[number] = m.end()
                yield from rule.spans(b, m)
    for literal in literals:
        yield from _occurrences(b, literal)
    if has_escapes and levels and (seen := view(b)).starts:
        yield from map(seen.span_before, _spans(seen.text, literals, by_engine, levels - 1))


@cache
def _pattern(number: int) -> re.Pattern[bytes]:
    return RULES[number].pattern()


def _occurrences(b: bytes, literal: bytes) -> Iterator[Span]:
    start = b.find(literal)
    while start >= 0:
        end = start + len(literal)
        if b"\\" not in literal or not b.endswith(b"\\", 0, start):  # else its first escape is not one here
            yield start, end
        start = b.find(literal, end)


def _after_escape(b: bytes, start: int) -> int:
    """`start`, or the end of the JSON escape that it would cut: in `\\npm_` the n belongs to the newline."""
    for at in range(start - 1, max(-1, start - 6), -1):
        if b[at] == 0x5C:
            first = at
            while first and b[first - 1] == 0x5C:
                first -= 1
            end = at + (6 if b[at + 1] == 0x75 else 2)
            return end if (at - first) % 2 == 0 and start < end else start
    return start


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return merged
