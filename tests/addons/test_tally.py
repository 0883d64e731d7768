"""Counting refusals."""

import pytest

from mitmclaude.addons.tally import EVERY, Tally


def test_a_flood_is_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The first is logged at once, the next ones together after a minute, and the rest at the end."""
    now = 1000.0
    tally = Tally(lambda: now)
    for reason in ("with 401", "with 401", "with 431", "with 401"):
        tally.count(reason)
    now += EVERY
    tally.tell()
    tally.count("with 401")
    tally.done()
    tally.done()
    assert [record.getMessage() for record in caplog.records] == [
        "refused without a record: 1 with 401",
        "refused without a record: 2 with 401, 1 with 431",
        "refused without a record: 1 with 401",
    ]
