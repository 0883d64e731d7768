"""Let connections in when the start is over.

mitmproxy opens its port before it tells the addons that they run. A request that comes in between finds addons that are
not ready (its own `tlsconfig` has no certificates then and fails), and any error that is logged until the start is over
ends the process. A client that tries again and again while the proxy restarts meets that moment each time.
"""

import asyncio
import logging
from collections.abc import Awaitable

from mitmproxy import connection, ctx
from mitmproxy.addons.errorcheck import ErrorCheckHandler
from mitmproxy.addons.proxyserver import Proxyserver

CHECK_EVERY = 0.001
"""Seconds between two looks at whether the start is over; it takes one or two."""


async def started() -> None:
    """Return when every addon runs and no error that is logged ends the process any more; not within this turn."""
    await asyncio.sleep(0)
    while any(isinstance(handler, ErrorCheckHandler) for handler in logging.getLogger().handlers):  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(CHECK_EVERY)


class Opening:
    """Holds a connection before its first byte is read until the start is over."""

    name = "claude.opening"

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None

    def client_connected(self, client: connection.Client) -> Awaitable[None] | None:
        return None if self._open.is_set() else self._hold(transport_of(client))

    def running(self) -> None:
        self._opening = asyncio.get_running_loop().create_task(self._open_when_started())

    def done(self) -> None:
        self._open.set()

    async def _hold(self, transport: asyncio.ReadTransport | None) -> None:
        # what is read meanwhile mitmproxy would handle before it knows its own task, and fail where that ends it
        if transport is not None:
            transport.pause_reading()
        await self._open.wait()
        if transport is not None:
            transport.resume_reading()

    async def _open_when_started(self) -> None:
        await started()
        self._open.set()


def transport_of(client: connection.Client) -> asyncio.ReadTransport | None:
    """The TCP transport of a client's connection."""
    proxy = ctx.master.addons.get("proxyserver")
    handler = proxy.connections.get(client.id) if isinstance(proxy, Proxyserver) else None
    io = handler.transports.get(client) if handler is not None else None
    transport = getattr(io.writer, "transport", None) if io is not None else None
    return transport if isinstance(transport, asyncio.ReadTransport) else None
