"""What a rule is: literals that a credential cannot do without, and the exact expression at them."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

type Span = tuple[int, int]
type Spans = Callable[[bytes, re.Match[bytes]], Iterable[Span]]
"""Which bytes of a match in the text are the credential, if any."""

WORD = (  # a word begins here: also after a JSON or a percent escape, whose last character looks like a letter of it
    rb"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
)


def matched(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """The first group, or the whole match of an expression without groups."""
    return (m.span(1 if m.re.groups else 0),)


class Rule(NamedTuple):
    """`expression` is tried `back` bytes before each place where one of the `literals` begins.

    What it matches is not looked at again by the same rule, so that time stays linear: an expression either fails after
    a bounded number of bytes, or where no later attempt begins, or it matches.
    """

    literals: tuple[bytes, ...]
    expression: bytes
    back: int = 0
    caseless: bool = False
    spans: Spans = matched

    def pattern(self) -> re.Pattern[bytes]:
        """Compiled anew: most rules are never needed, and all of them would take a start 20 ms."""
        return re.compile(self.expression, re.IGNORECASE if self.caseless else 0)


def rule(literals: bytes, rest: bytes, at: bytes = b"", before: bytes = b"", back: int = 0) -> Rule:
    """A rule whose literals, separated by spaces, have `rest` after them; `before` is `back` bytes wide."""
    names = tuple(literals.split())
    return Rule(names, at + before + b"(?:" + b"|".join(map(re.escape, names)) + b")" + rest, back)
