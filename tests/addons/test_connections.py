"""Connections that show no token, and uploads that stand still."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client
from mitmproxy.test import taddons, tflow

from mitmclaude.addons import connections
from mitmclaude.addons.connections import IDLE, PATIENCE, Connections
from mitmclaude.addons.live import Live, begin
from mitmclaude.addons.tally import Tally
from tests.addons.flows import asked, settled


class Hall:
    """Connections with a clock set by hand; the handlers of mitmproxy are stood in for."""

    def __init__(self, proxy: Proxyserver, **values: str) -> None:
        self.now = 0.0
        self.proxy, self.live = proxy, Live()
        self.connections = Connections(self.live, settled(**values), Tally(), lambda: self.now)
        self.closed: list[str] = []

    def connect(self, client: Client | None = None) -> Client:
        client = client or tflow.tclient_conn()
        cancelled = SimpleNamespace(cancel=lambda _why: self.closed.append(client.id))
        transport = SimpleNamespace(handler=cancelled)
        watchdog = SimpleNamespace(last_activity=0.0)
        handler: Any = SimpleNamespace(client=client, transports={client: transport}, timeout_watchdog=watchdog)
        self.proxy.connections[client.id] = handler
        self.connections.client_connected(client)
        return client

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.connections.look()


@pytest.fixture
def hall() -> Any:
    with taddons.context(proxy := Proxyserver()):
        yield Hall(proxy, tokens="env:X")


def test_a_stranger_has_half_a_minute(hall: Hall) -> None:
    """A connection without a token is closed in time, one that showed a token is not."""
    stranger, ann = hall.connect(), hall.connect()
    hall.connections.admit(ann)
    hall.pass_time(PATIENCE - 1)
    assert hall.closed == []
    hall.pass_time(2)
    assert hall.closed == [stranger.id]


def test_a_refusal_ends_the_trust(hall: Hall) -> None:
    """Once its last request had no token a connection is a stranger's, from then on."""
    client = hall.connect()
    hall.connections.admit(client)
    hall.pass_time(1000)
    hall.connections.doubt(client)
    hall.pass_time(PATIENCE - 1)
    assert hall.closed == []
    hall.pass_time(2)
    assert hall.closed == [client.id]


def test_the_oldest_stranger_makes_room(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more strangers than are held the oldest is closed at once; those with a token do not count."""
    monkeypatch.setattr(connections, "STRANGERS", 3)
    clients = [hall.connect() for _ in range(3)]
    hall.connections.admit(clients[1])
    hall.connect()
    assert hall.closed == []
    hall.connect()
    assert hall.closed == [clients[0].id]


def test_an_upload_may_be_slow_and_not_stand_still(hall: Hall) -> None:
    """A body that moves may take as long as it needs; one that stands still for a minute ends with its connection."""
    flow = asked()
    client = hall.connect(flow.client_conn)
    hall.connections.admit(client)
    hall.live[flow.id] = begin(flow, "messages")
    watchdog: Any = hall.proxy.connections[client.id].timeout_watchdog
    for moment in range(10):
        watchdog.last_activity = moment
        hall.pass_time(IDLE - 1)
    assert hall.closed == []
    hall.pass_time(IDLE + 1)
    assert hall.closed == [client.id]
    hall.live[flow.id].request_end = 1.0  # whole: upstream may take its time
    hall.closed.clear()
    hall.pass_time(10 * IDLE)
    assert hall.closed == []


async def test_without_tokens_nobody_is_closed() -> None:
    """Where no tokens are wanted connections live as long as they like."""
    with taddons.context(proxy := Proxyserver()):
        hall = Hall(proxy)
        hall.connect()
        hall.connections.running()
        hall.now = 10 * PATIENCE
        await asyncio.sleep(connections.TICK + 0.2)
        hall.connections.done()
        assert hall.closed == []
