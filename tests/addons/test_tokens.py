"""The table of tokens: read again in time, kept for a while when that fails, and never waited for twice."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from mitmclaude import auth
from mitmclaude.addons import tokens
from mitmclaude.addons.tokens import Moment, Tokens
from mitmclaude.stores.secret import Secret

ANN = auth.added((), "ann", auth.new_token(bytes(32)), datetime.now(UTC))
NOBODY = auth.revoked(ANN, "ann", datetime.now(UTC))


@dataclass
class Place:
    """A place of secrets whose clock is set by hand; while `silent` a reading hangs."""

    content: bytes | OSError = field(default_factory=lambda: auth.dump(ANN))
    monotonic: float = 1000.0
    wall: float = 5000.0
    readings: int = 0
    silent: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.silent.set()
        self.tokens = Tokens(Secret("test", self.read, lambda _: None), lambda: Moment(self.monotonic, self.wall))

    def read(self) -> bytes:
        self.readings += 1
        self.silent.wait(10)
        if isinstance(self.content, OSError):
            raise self.content
        return self.content

    def pass_time(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    async def settle(self) -> str | None:
        """Refresh, and wait until a reading that it began is over."""
        said = await self.tokens.refresh()
        for _ in range(200):
            if self.tokens._reading is None:
                break
            await asyncio.sleep(0.01)
        return said


async def test_a_young_table_is_not_read_again() -> None:
    """Within its first seconds a table serves as it is; then it is read beside the call."""
    place = Place()
    place.pass_time(tokens.FRESH - 1)
    await place.settle()
    assert place.readings == 1
    place.content = auth.dump(NOBODY)
    place.pass_time(2)
    await place.settle()
    assert place.readings == 2
    assert place.tokens.table == NOBODY


@pytest.mark.parametrize(("monotonic", "wall"), [(60.0, -100_000.0), (0.0, 3600.0)], ids=["set-back", "frozen"])
async def test_a_clock_that_lies_hides_no_revocation(monotonic: float, wall: float) -> None:
    """Where the wall clock is set back, or the other stood still in a freeze, the call waits for the new table."""
    place = Place()
    place.content = auth.dump(NOBODY)
    place.monotonic += monotonic
    place.wall += wall
    assert await place.tokens.refresh() is None
    assert place.tokens.table == NOBODY


async def test_a_table_that_is_gone_serves_for_five_minutes(caplog: pytest.LogCaptureFixture) -> None:
    """Once the table cannot be read its last copy serves on, then nobody is let in; a new one is taken at once."""
    place = Place(content=auth.dump(ANN))
    place.content = FileNotFoundError(2, "No such file or directory")
    for _ in range(4):
        place.pass_time(70)
        assert await place.settle() is None
    place.pass_time(70)
    said = await place.settle()
    assert said == "the table of tokens could not be read for 350 s: nobody is let in"
    assert "tokens are 70 s old, as they cannot be read: [Errno 2] No such file" in caplog.text
    place.content = auth.dump(NOBODY)
    place.pass_time(70)
    await place.settle()
    assert await place.settle() is None
    assert place.tokens.table == NOBODY


async def test_a_silent_place_is_asked_once_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a reading hangs no second one begins, and calls that come later do not wait for it."""
    monkeypatch.setattr(tokens, "WAIT", 0.2)
    place = Place()
    place.silent.clear()
    place.pass_time(60)
    began = time.monotonic()
    assert await place.tokens.refresh() is None  # the first waits a little
    assert time.monotonic() - began > 0.15
    place.pass_time(1)
    began = time.monotonic()
    for _ in range(50):
        assert await place.tokens.refresh() is None
    assert time.monotonic() - began < 0.1
    assert place.readings == 2
    place.silent.set()


async def test_failures_are_answered_with_patience() -> None:
    """After each failure the next reading comes later, and no call waits."""
    place = Place()
    place.content = OSError("no answer")
    for _ in range(280):
        place.pass_time(1)
        await place.settle()
    assert 5 <= place.readings - 1 <= 9


def test_a_wrong_table_stops_the_start() -> None:
    """The first reading raises what is wrong."""
    with pytest.raises(ValueError, match="wanted a table of tokens"):
        Place(content=b"[]")
