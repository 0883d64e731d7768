"""Two texts → what was taken away and what was put in, by lines, and by words in lines that were changed."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

MOST_WORDS: Final = 2000
"""Words of a change that are compared one by one; of a larger one the lines are enough."""

MOST_REPEATED: Final = 300
"""Of more parts those that repeat often are not matched one by one, which takes quadratic time."""

_WORD: Final = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A part of a line."""

    sign: Literal["=", "-", "+"]
    text: str


type Line = tuple[Literal[" ", "-", "+", "~", "…"], tuple[Piece, ...]]
"""A line that is the same, gone, new or changed, or a mark for lines that are the same and left out."""


def difference(before: str, after: str, around: int = 1) -> list[Line]:
    """The lines that differ, each with `around` lines that are the same before and after it."""
    was, now = before.split("\n"), after.split("\n")
    found: list[Line] = []
    matcher = matched(was, now)
    for group in matcher.get_grouped_opcodes(around):
        if found or group[0][1] > 0:
            found.append(("…", ()))
        for kind, i, j, k, m in group:
            if kind == "equal":
                found += [(" ", (Piece("=", line),)) for line in was[i:j]]
            else:
                found += _changed(was[i:j], now[k:m])
    if found and group[-1][2] < len(was):
        found.append(("…", ()))
    return found


def matched(was: list[str], now: list[str]) -> SequenceMatcher[str]:
    """The matcher of two lists."""
    return SequenceMatcher(None, was, now, autojunk=len(now) > MOST_REPEATED)


def words(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces of both, in one line; neighbours of one kind are one piece."""
    was, now = _WORD.findall(before), _WORD.findall(after)
    pieces: list[Piece] = []
    for kind, i, j, k, m in matched(was, now).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("=", "".join(was[i:j])))
        else:
            pieces += [Piece("-", "".join(was[i:j]))] * (i < j) + [Piece("+", "".join(now[k:m]))] * (k < m)
    return tuple(pieces)


def _changed(was: list[str], now: list[str]) -> Iterator[Line]:
    """Lines in the place of others: word by word where they go in pairs and are alike."""
    size = sum(len(line) // 5 for line in (*was, *now))
    if len(was) == len(now) and size <= MOST_WORDS:
        for before, after in zip(was, now, strict=True):
            pieces = words(before, after)
            same = sum(len(piece.text) for piece in pieces if piece.sign == "=")
            if same * 3 >= max(len(before), len(after)):
                yield "~", pieces
            else:
                yield "-", (Piece("-", before),)
                yield "+", (Piece("+", after),)
        return
    yield from (("-", (Piece("-", line),)) for line in was)
    yield from (("+", (Piece("+", line),)) for line in now)
