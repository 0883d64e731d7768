"""What was asked for → which calls are meant."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mitmclaude.record.row import Row

FAILED: Final = "failed"
"""As an outcome: all but ``complete``."""

WANTED: Final = "a date (2026-11-24), a time (2026-11-24T10:00), 30m, 2h, 3d, today or yesterday"

_AGO: Final = re.compile(r"([0-9]{1,6})\s*(m|min|h|d|w)")
_UNITS: Final = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS: Final = {"today": 0, "yesterday": 1}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which calls: those that have all of this; None stands for any."""

    since: datetime | None = None
    """The first moment."""
    until: datetime | None = None
    """The first moment that does not belong to it."""
    session: str | None = None
    """The beginning of an id."""
    principal: str | None = None
    model: str | None = None
    """Part of the name."""
    outcome: str | None = None
    """An outcome, or `FAILED`."""

    def matches(self, row: "Row") -> bool:
        """Whether a call is one of these."""
        return (
            (self.since is None or row.started_at >= self.since)
            and (self.until is None or row.started_at < self.until)
            and (self.session is None or (row.session_id or "").startswith(self.session))
            and (self.principal is None or row.principal == self.principal)
            and (self.model is None or self.model in (row.model or ""))
            and (
                self.outcome is None
                or row.outcome == self.outcome
                or (self.outcome == FAILED and row.outcome != "complete")
            )
        )


def moment(text: str, now: datetime, *, end: bool = False) -> datetime:
    """The moment that `text` names, seen from `now`; ValueError says what was wanted.

    Without a zone it is of the zone of `now`. A day is its beginning or, with `end`, the beginning of the next one.
    """
    written = text.strip().lower()
    if (ago := _AGO.fullmatch(written)) is not None:
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise ValueError(f"wanted {WANTED}, found {text!r}") from None
    if written == "now":
        return now
    if (back := _DAYS.get(written)) is not None:
        return _midnight(now, now.year, now.month, now.day, (1 if end else 0) - back)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
            year, month, day = map(int, written.split("-"))
            return _midnight(now, year, month, day, 1 if end else 0)
        found = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(f"wanted {WANTED}, found {text!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def _midnight(now: datetime, year: int, month: int, day: int, later: int) -> datetime:
    return datetime(year, month, day, tzinfo=now.tzinfo) + timedelta(days=later)
