"""Connections wait for the end of the start."""

import asyncio

from mitmproxy.addons.errorcheck import ErrorCheck
from mitmproxy.test import taddons, tflow

from mitmclaude.addons.opening import Opening


async def test_a_connection_waits_until_errors_no_longer_count() -> None:
    """While mitmproxy takes an error for one of the start, no connection is served; then all are."""
    check, opening = ErrorCheck(), Opening()
    with taddons.context(opening):
        waiting = opening.client_connected(tflow.tflow().client_conn)
        assert waiting is not None
        served = asyncio.ensure_future(waiting)
        opening.running()
        await asyncio.sleep(0.05)
        assert not served.done()
        check.finish()
        await asyncio.wait_for(served, 5)
        assert opening.client_connected(tflow.tflow().client_conn) is None


async def test_nobody_waits_for_an_addon_that_goes() -> None:
    """Unloaded before it ran, it lets go of who waits."""
    opening = Opening()
    with taddons.context(opening):
        waiting = opening.client_connected(tflow.tflow().client_conn)
        assert waiting is not None
        opening.done()
        await asyncio.wait_for(waiting, 5)
