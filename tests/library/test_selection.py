"""What was asked for → which calls are meant."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mitmclaude.library.selection import Selection, moment
from mitmclaude.record.row import row
from tests.cli.conftest import AT, SESSIONS, record

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=ZONE)),
        ("2026-11-20T10:00", datetime(2026, 11, 20, 10, tzinfo=ZONE)),
        ("2026-11-20 10:00:30", datetime(2026, 11, 20, 10, 0, 30, tzinfo=ZONE)),
        ("2026-11-20T10:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2h", NOW - timedelta(hours=2)),
        ("30m", NOW - timedelta(minutes=30)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
        ("now", NOW),
        (" Today ", datetime(2026, 11, 24, tzinfo=ZONE)),
        ("yesterday", datetime(2026, 11, 23, tzinfo=ZONE)),
    ],
)
def test_moment(text: str, wanted: datetime) -> None:
    """Dates, times and how long ago; without a zone it is that of the machine."""
    assert moment(text, NOW) == wanted


@pytest.mark.parametrize("text", ["2026-11-20", "yesterday", "today"])
def test_day_as_end(text: str) -> None:
    """A day that ends a span belongs to it as a whole."""
    assert moment(text, NOW, end=True) - moment(text, NOW) == timedelta(days=1)
    assert moment("2h", NOW, end=True) == moment("2h", NOW)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-11-31", "2x", "-2h", "999999w", "24.11.2026", "٣d"])
def test_no_moment(text: str) -> None:
    """What cannot be read is refused with what was wanted."""
    with pytest.raises(ValueError, match="wanted a date"):
        moment(text, NOW)


def test_matches() -> None:
    """A call is selected where it has all that was asked for."""
    one = row(record(1))
    assert Selection().matches(one)
    for yes in (
        Selection(since=AT),
        Selection(until=AT + timedelta(seconds=1)),
        Selection(session=SESSIONS[1][:6]),
        Selection(model="opus"),
        Selection(outcome="complete"),
    ):
        assert yes.matches(one)
    for no in (
        Selection(since=AT + timedelta(seconds=1)),
        Selection(until=one.started_at),
        Selection(session=SESSIONS[0]),
        Selection(principal="ann"),
        Selection(model="haiku"),
        Selection(outcome="truncated"),
        Selection(outcome="failed"),
        Selection(session=SESSIONS[1], model="haiku"),
    ):
        assert not no.matches(one)
    assert Selection(outcome="failed").matches(one._replace(outcome="api_error"))
