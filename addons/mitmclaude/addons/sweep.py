"""End the captures that no hook will end: their client is gone, or the hook of another addon raised before ours.

mitmproxy lets a flow go without `response` or `error` where its own reader fails, and skips our hooks where a script
before us raises. What is left over would stay in memory and have no record.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mitmproxy import flow as mitmflow
from mitmproxy import http
from mitmproxy.utils.asyncio_utils import create_task

from mitmclaude.addons.live import Live

logger = logging.getLogger(__name__)

type Hook = Callable[[http.HTTPFlow], Awaitable[None]]

EVERY = 2.0
"""Seconds between two looks. A capture is ended at the second, so that a hook under way comes first."""


class Sweep:
    """Calls the recorder's hooks for what is left over: `response` for what was answered, `error` for the rest."""

    name = "claude.sweep"

    def __init__(self, live: Live, response: Hook, error: Hook) -> None:
        self._live = live
        self._response = response
        self._error = error
        self._seen: set[str] = set()
        self._sweeping: asyncio.Task[None] | None = None

    def running(self) -> None:
        if self._sweeping is None:
            self._sweeping = create_task(self._sweep(), name="mitmclaude sweep", keep_ref=True)

    def done(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except Exception:
                logger.exception("mitmclaude could not end what was left over")

    async def look(self) -> None:
        """End what was left over at the last look and still is."""
        left = {id_ for id_, capture in self._live.items() if _is_left(capture.flow)}
        ended, self._seen = left & self._seen, left
        await asyncio.gather(*(self._end(self._live[id_].flow) for id_ in ended))

    async def _end(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and flow.response.timestamp_end is not None and flow.error is None:
            await self._response(flow)
            return
        flow.error = flow.error or mitmflow.Error("Client disconnected.")
        await self._error(flow)


def _is_left(flow: http.HTTPFlow) -> bool:
    """Whether mitmproxy is done with a flow, or its client is gone; a replay runs on the connection of the past."""
    return not flow.live or (flow.is_replay is None and flow.client_conn.timestamp_end is not None)
