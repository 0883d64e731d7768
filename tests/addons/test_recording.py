"""What the recorder gets to know of a call, and when; and what becomes of its replies."""

import asyncio
import logging

import pytest

from mitmclaude.addons import recording
from mitmclaude.addons.tap import Tap
from mitmclaude.findings import violation
from mitmclaude.record.record import Record
from mitmclaude.recorder.messages import Came, Ended, Examined, Logged, Opened
from tests.addons.recorded import GOOD, around


class Listener:
    """An addon of somebody's that wants to know of records."""

    def __init__(self) -> None:
        self.heard: list[Record] = []

    def claude_record(self, record: Record) -> None:
        self.heard.append(record)


class Faulty:
    """Another one, with a fault."""

    def claude_record(self, record: Record) -> None:
        raise RuntimeError(record.id)


async def test_every_addon_hears_of_a_record() -> None:
    """Once for each record; a fault in one addon does not keep it from the others."""
    listener = Listener()
    with around(Faulty(), listener) as it:
        flow, capture = it.captured()
        hook = asyncio.ensure_future(it.finish.response(flow))
        await asyncio.sleep(0)
        it.stored(capture)
        await hook
        assert [heard.id for heard in listener.heard] == [capture.id]


async def test_pieces_go_to_the_recorder_while_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """At each beat what is new, the head of the answer with the first; the end has the rest."""
    monkeypatch.setattr(recording, "PULSE", 0.01)
    with around() as it:
        flow, capture = it.captured()
        it.recording.open(capture)
        assert flow.response is not None
        tap = capture.tap = flow.response.stream = Tap()
        it.recording.responseheaders(flow)
        for piece in (b"one", b"two"):
            tap(piece)
            await asyncio.sleep(0.05)
        tap(b"three")
        it.recording.end(capture, "answered")
        came = [message for message in it.toy.sent if isinstance(message, Came)]
        assert [[data for _, data in message.chunks] for message in came] == [[b"one"], [b"two"], [b"three"]]
        assert [message.status for message in came] == [200, None, None]
        assert it.kinds(capture)[-1] is Ended


async def test_a_request_is_told_once() -> None:
    """Whoever tells of it first: the check, the turn after it, or the end."""
    with around() as it:
        _, capture = it.captured()
        it.recording.open(capture)
        it.recording.open(capture)
        it.recording.end(capture, "answered")
        assert it.kinds(capture) == [Opened, Ended]


async def test_a_large_request_is_checked_by_the_recorder() -> None:
    """The proxy waits for the findings, and no longer than it may."""
    with around() as it:
        _, capture = it.captured()
        waiting = asyncio.ensure_future(it.recording.examine(capture, "enforce"))
        await asyncio.sleep(0)
        assert it.only(Opened).examine == "enforce"
        it.reply(Examined(capture.id, (violation("model", "missing"),)))
        assert await waiting == (violation("model", "missing"),)


async def test_a_check_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request goes on unchecked, and its record says so."""
    monkeypatch.setattr(recording, "EXAMINES", 0.01)
    with around() as it:
        _, capture = it.captured()
        (finding,) = await it.recording.examine(capture, "enforce")
        assert finding.kind == "drift"


async def test_what_went_upstream_is_told_from_what_came() -> None:
    """A request that another addon changed has both."""
    with around() as it:
        flow, capture = it.captured()
        capture.body = GOOD
        it.recording.open(capture)
        flow.request.raw_content = b"changed"
        it.recording.end(capture, "answered")
        assert it.only(Opened).body == GOOD
        assert it.only(Ended).request_content == b"changed"


async def test_lines_of_the_recorder_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """With the level that they have there."""
    with around() as it:
        it.reply(Logged(logging.WARNING, "spooled records/x until the store takes it"))
    assert (
        "mitmclaude.addons.recording",
        logging.WARNING,
        "spooled records/x until the store takes it",
    ) in caplog.record_tuples
