"""Bound what a connection may cost before a token was seen on it, and how long an upload may stand still.

Only where tokens are wanted. It looks at mitmproxy's own list of connections, so that no hook of another addon that
raises can hide one.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from mitmproxy import connection, ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.server import ConnectionHandler
from mitmproxy.utils.asyncio_utils import create_task

from mitmclaude.addons.listening import wants_tokens
from mitmclaude.addons.live import Live
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.tally import Tally

logger = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks."""

STRANGERS = 256
"""Connections without a token at once: the oldest makes room, as whoever has a token shows it at once."""

PATIENCE = 30.0
"""Seconds for which a connection may be without a token, be it idle, in its headers, or in a body that is refused."""

IDLE = 60.0
"""Seconds for which an admitted request's body may stand still; a slow one may take as long as it needs."""


class Connections:
    """Closes connections of strangers that are too many or too old, and uploads that stand still."""

    name = "claude.connections"

    def __init__(
        self, live: Live, options: ClaudeOptions, tally: Tally, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._live = live
        self._options = options
        self._tally = tally
        self._clock = clock
        self._strangers: dict[str, float] = {}
        """Connection id → when it was seen first, oldest first."""
        self._admitted: set[str] = set()
        self._moved: dict[str, tuple[float, float]] = {}
        """Connection id of an upload → mitmproxy's time of its last activity, and when that was seen to change."""
        self._ticking: asyncio.Task[None] | None = None

    def admit(self, client: connection.Client) -> None:
        """A token was seen on this connection."""
        self._strangers.pop(client.id, None)
        self._admitted.add(client.id)

    def doubt(self, client: connection.Client) -> None:
        """The last request of this connection had no token."""
        self._admitted.discard(client.id)
        self._strangers.setdefault(client.id, self._clock())

    def running(self) -> None:
        if self._ticking is None:
            self._ticking = create_task(self._tick(), name="mitmclaude connections", keep_ref=True)

    def done(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()

    def client_connected(self, client: connection.Client) -> None:
        if wants_tokens(self._options.settings):
            self._strangers.setdefault(client.id, self._clock())
            self._make_room()

    def client_disconnected(self, client: connection.Client) -> None:
        self._strangers.pop(client.id, None)
        self._admitted.discard(client.id)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                if wants_tokens(self._options.settings):
                    self.look()
                self._tally.tell()
            except Exception:
                logger.exception("mitmclaude could not look after its connections")

    def look(self) -> None:
        """Close what has to be closed by now."""
        here = _handlers()
        now = self._clock()
        self._admitted &= here.keys()
        self._strangers = {id_: since for id_, since in self._strangers.items() if id_ in here}
        for id_ in here.keys() - self._admitted:
            self._strangers.setdefault(id_, now)
        self._make_room()
        for id_ in [id_ for id_, since in self._strangers.items() if now - since > PATIENCE]:
            self._close(id_, "connections without a token for too long")
        self._close_idle(here, now)

    def _close_idle(self, here: dict[str, ConnectionHandler], now: float) -> None:
        uploading = {
            capture.flow.client_conn.id
            for capture in self._live.values()
            if capture.request_end is None and not capture.rejected
        }
        self._moved = {id_: moved for id_, moved in self._moved.items() if id_ in uploading}
        for id_ in uploading & here.keys():
            activity = here[id_].timeout_watchdog.last_activity
            if id_ not in self._moved or self._moved[id_][0] != activity:
                self._moved[id_] = (activity, now)
            elif now - self._moved[id_][1] > IDLE:
                logger.warning("closed a connection: its request stood still for over %.0f s", IDLE)
                _cancel(id_)

    def _make_room(self) -> None:
        while len(self._strangers) > STRANGERS:
            self._close(next(iter(self._strangers)), "connections without a token, as there were too many")

    def _close(self, id_: str, reason: str) -> None:
        self._strangers.pop(id_)
        if _cancel(id_):
            self._tally.count(reason)


def _handlers() -> dict[str, ConnectionHandler]:
    proxy = ctx.master.addons.get("proxyserver")
    if not isinstance(proxy, Proxyserver):
        return {}
    return {id_: handler for id_, handler in proxy.connections.items() if isinstance(id_, str)}


def _cancel(id_: str) -> bool:
    """Close a client's connection as mitmproxy's own timeout does: hooks of what is under way on it still run."""
    if (handler := _handlers().get(id_)) is None or (transport := handler.transports.get(handler.client)) is None:
        return False
    if transport.handler is not None:
        transport.handler.cancel("closed by mitmclaude")
    elif isinstance(transport.writer, asyncio.StreamWriter):
        transport.writer.close()
    return True
