"""Connections wait for the end of the start."""

import asyncio

from mitmproxy.addons.errorcheck import ErrorCheck
from mitmproxy.test import taddons, tflow

from mitmclaude.addons.gate import Gate


async def test_a_connection_waits_until_errors_no_longer_count() -> None:
    """While mitmproxy takes an error for one of the start, no connection is served; then all are."""
    check, gate = ErrorCheck(), Gate()
    with taddons.context(gate):
        waiting = gate.client_connected(tflow.tflow().client_conn)
        assert waiting is not None
        served = asyncio.ensure_future(waiting)
        gate.running()
        await asyncio.sleep(0.05)
        assert not served.done()
        check.finish()
        await asyncio.wait_for(served, 5)
        assert gate.client_connected(tflow.tflow().client_conn) is None


async def test_nobody_waits_for_an_addon_that_goes() -> None:
    """Unloaded before it ran, it lets go of who waits."""
    gate = Gate()
    with taddons.context(gate):
        waiting = gate.client_connected(tflow.tflow().client_conn)
        assert waiting is not None
        gate.done()
        await asyncio.wait_for(waiting, 5)
