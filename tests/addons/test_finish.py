"""The end of an answer waits for its record, within a bound."""

import asyncio

import pytest

from mitmclaude.addons.finish import HELD, Finish, end_of
from mitmclaude.addons.tap import Tap
from mitmclaude.recorder.messages import Ended, Opened, Stored
from tests.addons.recorded import around


async def test_the_end_waits_for_the_record() -> None:
    """The hook returns when the call is stored, and not before."""
    with around() as it:
        flow, capture = it.captured()
        hook = asyncio.ensure_future(it.finish.response(flow))
        await asyncio.sleep(0.02)
        assert not hook.done()
        assert it.kinds(capture) == [Opened, Ended]
        it.stored(capture)
        await asyncio.wait_for(hook, 1)
        assert flow.id not in it.live


async def test_a_lost_record_does_not_hold_the_end() -> None:
    """The reply that there is none is as good."""
    with around() as it:
        flow, capture = it.captured()
        hook = asyncio.ensure_future(it.finish.response(flow))
        await asyncio.sleep(0)
        it.reply(Stored(capture.id, None))
        await asyncio.wait_for(hook, 1)


async def test_after_one_wait_in_vain_nobody_waits() -> None:
    """A recorder that hangs is waited for once; when it stores again, ends wait again."""
    with around() as it:
        now = [100.0]
        it.finish = Finish(it.live, it.recording, lambda: now[0])
        flow, capture = it.captured()
        first = asyncio.ensure_future(it.finish.response(flow))
        await asyncio.sleep(0)
        now[0] += HELD - 1
        it.finish.look()
        await asyncio.sleep(0)
        assert not first.done()
        now[0] += 2
        it.finish.look()
        await asyncio.wait_for(first, 1)
        flow, other = it.captured()
        await asyncio.wait_for(it.finish.response(flow), 1)
        it.stored(capture)
        await asyncio.sleep(0)
        flow, last = it.captured()
        again = asyncio.ensure_future(it.finish.response(flow))
        await asyncio.sleep(0.05)
        assert not again.done()
        it.stored(other)
        it.stored(last)
        await asyncio.wait_for(again, 1)


async def test_an_error_ends_a_call_once() -> None:
    """The first of `response` and `error` ends it; a second does nothing."""
    with around() as it:
        flow, capture = it.captured(resp=False)
        hook = asyncio.ensure_future(it.finish.error(flow))
        await asyncio.sleep(0)
        it.stored(capture)
        await hook
        await it.finish.response(flow)
        assert it.kinds(capture) == [Opened, Ended]


async def test_done_ends_what_is_under_way() -> None:
    """At the stop every call is ended as `shutdown`, and no byte is held back any longer."""
    with around() as it:
        flow, capture = it.captured()
        assert flow.response is not None
        capture.tap = flow.response.stream = Tap(length=3)
        capture.tap(b"ab")
        it.finish.done()
        assert it.only(Ended).end == "shutdown"
        assert capture.tap(b"c") == b"c"


@pytest.mark.parametrize(
    ("message", "request_end", "rejected", "end"),
    [
        ("Client disconnected.", 1.0, False, "client_gone"),
        ("Connection killed.", None, False, "client_gone"),
        ("peer closed connection", 1.0, False, "upstream_failed"),
        ("Request body exceeds mitmproxy's body_size_limit.", 1.0, False, "rejected"),
        ("anything", 1.0, True, "rejected"),
    ],
)
async def test_how_a_call_ended(message: str, request_end: float | None, rejected: bool, end: str) -> None:
    """From what mitmproxy says, and what we did."""
    with around() as it:
        _, capture = it.captured()
        capture.request_end, capture.rejected = request_end, rejected
        assert end_of(message, capture) == end
