"""A text or a pattern → the query that finds the calls with it, and each hit in its context.

Patterns are those of RE2, which take linear time: https://github.com/google/re2/wiki/Syntax
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from mitmclaude.library.texts import WHERE

BEFORE, AFTER = 60, 100
"""Characters of context."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is searched for."""

    pattern: str
    """Of RE2; it finds what was asked for, with `(?i)` where capitals do not count."""
    places: Sequence[str]
    """Of `WHERE`."""
    literal: str | None = None
    """The text itself, where only the very same one is a hit: it is found faster."""


class Hit(NamedTuple):
    """A call, and one place in it."""

    id: str
    started_at: datetime
    session_id: str | None
    agent_id: str | None
    model: str | None
    place: str
    before: str
    text: str
    after: str


def sought(text: str, *, regex: bool = False, places: Sequence[str] = ()) -> Sought:
    """What to search for: capitals count where `text` has some. ValueError for a place that is none, or no text."""
    if not text:
        raise ValueError("wanted a text to search for")
    for place in places:
        if place not in WHERE:
            raise ValueError(f"wanted {', '.join(WHERE)}, found {place!r}")
    pattern = text if regex else escaped(text)
    counts = any(char.isupper() for char in (re.sub(r"\\.", "", text) if regex else text))
    folds = text.lower() != text.upper()
    chosen = tuple(places) or WHERE
    if counts or not folds:
        return Sought(pattern, chosen, None if regex else text)
    return Sought(f"(?i){pattern}", chosen)


def escaped(text: str) -> str:
    """A pattern of RE2 that finds `text`."""
    return "".join(
        char if char.isalnum() or ord(char) > 127 or char in " _" else f"\\x{ord(char):02x}" for char in text
    )


def query(asked: Sought, condition: str) -> tuple[str, dict[str, Any]]:
    """The query that gives the id of each call with a hit, the newest first; and its parameters."""
    test = "contains({0}, $text)" if asked.literal else "regexp_matches({0}, $text)"
    tests = " or ".join(test.format(place) for place in asked.places)
    sql = f"select id from parts where ({tests}) and {condition} order by started_at desc, id desc"  # noqa: S608
    return sql, {"text": asked.literal or asked.pattern}


def contexts(asked: Sought) -> str:
    """The query that gives the calls `$ids` with each place's first hit and what stands around it, by `$text`."""
    around = ", ".join(
        f"regexp_extract({place}, '(?s)(?:.{{0,{BEFORE}}})(?:' || $text || ')(?:.{{0,{AFTER}}})'), "
        f"regexp_extract({place}, $text)"
        for place in asked.places
    )
    return f"""select id, started_at, session_id, agent_id, model, {around} from parts
        where id in (select unnest($ids)) order by started_at desc, id desc"""  # noqa: S608


def hits(asked: Sought, found: Sequence[Any]) -> list[Hit]:
    """The hits in a row that the query of `contexts` gives."""
    call, places = found[:5], found[5:]
    made = []
    for number, place in enumerate(asked.places):
        around, text = places[2 * number], places[2 * number + 1]
        if text:
            at = around.find(text, max(0, min(BEFORE, len(around)) - len(text)))
            at = around.find(text) if at < 0 else at
            before, after = around[:at], around[at + len(text) :]
            made.append(Hit._make((*call, place, _line(before), _line(text), _line(after))))
    return made


def _line(text: str) -> str:
    """In one line, without what a terminal acts on."""
    return re.sub(r"\s+", " ", "".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in text))
