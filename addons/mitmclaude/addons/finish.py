"""End each call once, whatever became of it, and hold the end of its answer until its record is stored."""

import asyncio
import logging
import time
from collections.abc import Callable

from mitmproxy import http
from mitmproxy.utils.asyncio_utils import create_task

from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.recording import Recording
from mitmclaude.addons.tee import release
from mitmclaude.exchange import End

logger = logging.getLogger(__name__)

HELD = 20.0
"""Seconds for which the end of an answer waits for its record at most: traffic comes first."""

LOOK_EVERY = 0.5
"""Seconds between two looks at what waits: a timer for each answer would cost more than its wait."""


class Finish:
    """The first of the hooks `response`, `error` and `done` takes a capture away.

    mitmproxy awaits the hooks before it ends an answer, so that whoever saw its end finds the record in the store.
    """

    name = "claude.finish"

    def __init__(self, live: Live, recording: Recording, clock: Callable[[], float] = time.monotonic) -> None:
        self._live = live
        self._recording = recording
        self._clock = clock
        self._held: dict[str, tuple[asyncio.Future[None], float]] = {}
        """By record id: what is waited for, and since when, oldest first."""
        self._waits_in_vain = False
        self._looking: asyncio.Task[None] | None = None

    def running(self) -> None:
        if self._looking is None:
            self._looking = create_task(self._look_now_and_then(), name="mitmclaude holds", keep_ref=True)

    async def response(self, flow: http.HTTPFlow) -> None:
        if capture := self._live.pop(flow.id, None):
            try:
                await self._hold(capture, "rejected" if capture.rejected else "answered")
            finally:
                if capture.tap is not None:
                    release(flow, capture.tap)

    async def error(self, flow: http.HTTPFlow) -> None:
        if capture := self._live.pop(flow.id, None):
            message = flow.error.msg if flow.error else ""
            await self._hold(capture, end_of(message, capture))

    def done(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        while self._live:
            _, capture = self._live.popitem()
            self._recording.end(capture, "shutdown")
            if capture.tap is not None:
                capture.tap.length = None
                release(capture.flow, capture.tap)

    def look(self) -> None:
        """Let go of whatever has waited for too long, and of all that came after it."""
        first = next(iter(self._held.items()), None)
        if first is None or self._clock() - first[1][1] < HELD:
            return
        if not self._waits_in_vain:
            self._waits_in_vain = True
            logger.warning(
                "the record of request %s takes over %.0f s: answers end before theirs until something is stored again",
                first[0],
                HELD,
            )
        for waiting, _ in list(self._held.values()):
            if not waiting.done():
                waiting.set_result(None)

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.look()

    async def _hold(self, capture: Capture, end: End) -> None:
        """Wait until the record is stored; not after a wait was in vain, until something is stored again."""
        stored = self._recording.end(capture, end)
        stored.add_done_callback(self._stored)
        if self._waits_in_vain:
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held[capture.id] = waiting, self._clock()
        stored.add_done_callback(lambda _: None if waiting.done() else waiting.set_result(None))
        try:
            await waiting
        finally:
            del self._held[capture.id]

    def _stored(self, _: asyncio.Future[None]) -> None:
        self._waits_in_vain = False


def end_of(message: str, capture: Capture) -> End:
    """How a call ended, from what mitmproxy says in its `error` hook."""
    refused = ("body_size_limit", " from client, refusing", "received an HTTP CONNECT request")
    if capture.rejected or (
        message.startswith(("Request", "Received", "mitmproxy")) and any(r in message for r in refused)
    ):
        return "rejected"
    if "client disconnected" in message.lower() or capture.request_end is None:
        return "client_gone"
    return "upstream_failed"
