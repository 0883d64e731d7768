"""Text → where in it the literals of all rules stand: one pass of Hyperscan or, where it is missing, of expressions.

Both ways find the same. https://intel.github.io/hyperscan/dev-reference/
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from mitmclaude.redact.contexts import CONTEXTS
from mitmclaude.redact.providers import PROVIDERS
from mitmclaude.redact.unescape import ESCAPES

RULES = (*PROVIDERS, *CONTEXTS)

_RULES_OF: dict[tuple[bytes, bool], list[int]] = {}
for _number, _rule in enumerate(RULES):
    for _literal in _rule.literals:
        _RULES_OF.setdefault((_literal, _rule.caseless), []).append(_number)

_LITERALS = (*_RULES_OF, *((escape, False) for escape in ESCAPES))
"""The literals that are looked for, each with whether its case is nothing; their place here is their number."""
_RULES = tuple(_RULES_OF.values())
_LONGEST = max(len(literal) for literal, _ in _LITERALS)


class Hits(NamedTuple):
    """`at`: in order, where a literal begins and the number of its rule. Whether the text has `ESCAPES`."""

    at: list[tuple[int, int]]
    has_escapes: bool


type Ends = list[tuple[int, int]]
"""Where a literal ends and its number."""


WINDOW = 1 << 20
"""Bytes that are scanned at once: a body of nothing but literals has a hit of 150 bytes for every third of its own."""


def hits(b: bytes, by_engine: bool = True) -> Iterator[Hits]:
    """The hits in each window of `b`; without `by_engine` they are found as if Hyperscan were missing."""
    scan = (_engine() if by_engine else None) or _by_expressions
    for start in range(0, len(b), WINDOW):
        first = max(0, start - _LONGEST + 1)  # a literal may lie across the edge
        yield _hits(scan(b[first : start + WINDOW]), first, start)


def _hits(ends: Iterable[tuple[int, int]], first: int, start: int) -> Hits:
    """Of a text that stands at `first`; what ends up to `start` was in the window before."""
    at, has_escapes = [], False
    for end, number in ends:
        if first + end <= start:
            continue
        if number >= len(_RULES):
            has_escapes = True
        else:
            begin = first + end - len(_LITERALS[number][0])
            at += [(begin, rule) for rule in _RULES[number]]
    at.sort()
    return Hits(at, has_escapes)


@cache
def _engine() -> Callable[[bytes], Ends] | None:
    """Imported and compiled, 10 ms in all, when it is first needed; None where it cannot be had."""
    try:
        import hyperscan
    except ImportError:
        return None
    caseless, once = hyperscan.HS_FLAG_CASELESS, hyperscan.HS_FLAG_SINGLEMATCH
    of_rules = [caseless if is_caseless else 0 for _, is_caseless in _RULES_OF]
    try:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[literal for literal, _ in _LITERALS],
            ids=list(range(len(_LITERALS))),
            flags=[*of_rules, *[once] * len(ESCAPES)],
            literal=True,
        )
    except hyperscan.error:  # a processor that it does not know
        return None
    free: list[hyperscan.Scratch] = []

    def scan(b: bytes) -> Ends:
        ends: Ends = []
        try:
            scratch = free.pop()  # one for each scan that runs: other threads scan meanwhile
        except IndexError:
            scratch = database.scratch.clone()  # which itself is never in use
        database.scan(b, lambda number, _start, end, _flags, _context: ends.append((end, number)), scratch=scratch)
        free.append(scratch)
        return ends

    return scan


_RARE = b"~QXZJ|^`@qzYVKWjxGUHB%MFPLDNRO$CISTAE9876543210+#!&/-_.:=kvwybgpf\\mcudhl nrosiate()\"'<> "
"""Characters, those that are rare in prose and code first."""


class _Gate(NamedTuple):
    """An expression that begins with one character, and the literals that have it: number, text, place in it."""

    pattern: re.Pattern[bytes]
    literals: list[tuple[int, bytes, int]]


@cache
def _gates(caseless: bool) -> list[_Gate]:
    by_pivot: dict[bytes, list[tuple[int, bytes, int]]] = {}
    for number, (literal, is_caseless) in enumerate(_LITERALS):
        if is_caseless == caseless:
            at = min(range(len(literal)), key=lambda n: _RARE.find(literal[n : n + 1]))
            by_pivot.setdefault(literal[at : at + 1], []).append((number, literal, at))
    return [_Gate(_gate(pivot, literals), literals) for pivot, literals in by_pivot.items()]


def _gate(pivot: bytes, literals: list[tuple[int, bytes, int]]) -> re.Pattern[bytes]:
    sides = [(re.escape(literal[at + 1 :]), re.escape(literal[: at + 1])) for _, literal, at in literals]
    return re.compile(re.escape(pivot) + b"(?:" + b"|".join(b"(?=%s)(?<=%s)" % side for side in sides) + b")")


def _by_expressions(b: bytes) -> Iterator[tuple[int, int]]:
    for text, caseless in ((b, False), (b.lower(), True)):
        for gate in _gates(caseless):
            for m in gate.pattern.finditer(text):
                for number, literal, at in gate.literals:
                    if text.startswith(literal, m.start() - at) and m.start() >= at:
                        yield m.start() - at + len(literal), number
