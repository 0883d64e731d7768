"""Captures that no hook ends."""

from collections.abc import Callable

import pytest
from mitmproxy import http
from mitmproxy.test import tutils

from mitmclaude.addons.live import Live, begin
from mitmclaude.addons.sweep import Sweep
from tests.addons.flows import asked


def gone(flow: http.HTTPFlow) -> None:
    flow.client_conn.timestamp_end = 1.0


def answered(flow: http.HTTPFlow) -> None:
    flow.response = tutils.tresp()
    flow.live = False


def failed(flow: http.HTTPFlow) -> None:
    flow.live = False


def running(flow: http.HTTPFlow) -> None:
    pass


def replayed(flow: http.HTTPFlow) -> None:
    gone(flow)
    flow.is_replay = "request"


@pytest.mark.parametrize(
    ("become", "ended"), [(gone, "error"), (answered, "response"), (failed, "error"), (running, ""), (replayed, "")]
)
async def test_what_is_left_over_ends_at_the_second_look(become: Callable[[http.HTTPFlow], None], ended: str) -> None:
    """A flow that mitmproxy is done with, or whose client is gone, ends with the fitting hook, once; others go on."""
    flow = asked()
    live = Live({flow.id: begin(flow, "messages")})
    called: list[str] = []

    async def response(flow: http.HTTPFlow) -> None:
        called.append("response")
        del live[flow.id]

    async def error(flow: http.HTTPFlow) -> None:
        assert flow.error is not None
        called.append("error")
        del live[flow.id]

    become(flow)
    sweep = Sweep(live, response, error)
    await sweep.look()
    assert called == []
    await sweep.look()
    await sweep.look()
    assert called == ([ended] if ended else [])
