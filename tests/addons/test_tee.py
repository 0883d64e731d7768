"""Which answers stream, and how they are framed."""

import pytest
from mitmproxy import http
from mitmproxy.test import taddons, tflow

from mitmclaude.addons.live import Live, begin
from mitmclaude.addons.tap import ChainedTap, Tap
from mitmclaude.addons.tee import Tee


def answered(headers: dict[str, str], *, method: str = "POST", status: int = 200) -> tuple[http.HTTPFlow, Live]:
    flow = tflow.tflow(resp=True)
    flow.live = True
    flow.request.method = method
    assert flow.response is not None
    flow.response.raw_content = None
    flow.response.status_code = status
    flow.response.headers = http.Headers([(name.encode(), value.encode()) for name, value in headers.items()])
    live = Live({flow.id: begin(flow, "messages")})
    with taddons.context():
        Tee(live).responseheaders(flow)
    return flow, live


SSE = "text/event-stream; charset=utf-8"


@pytest.mark.parametrize(
    ("headers", "more", "streamed"),
    [
        ({"content-type": SSE, "transfer-encoding": "chunked"}, {}, True),
        ({"content-type": SSE, "content-length": "100"}, {}, True),
        ({"content-type": "application/json", "content-length": "100"}, {}, True),
        ({"content-type": "application/json"}, {}, True),
        ({"content-type": SSE, "content-length": "0"}, {}, False),
        ({"content-type": SSE, "content-length": "100"}, {"method": "HEAD"}, False),
        ({"content-length": "5000000"}, {"status": 304}, False),
    ],
)
def test_what_streams(headers: dict[str, str], more: dict[str, str], streamed: bool) -> None:
    """Every answer with a body streams, and its headers stay as they are."""
    flow, live = answered(headers, **more)  # type: ignore[arg-type]
    assert flow.response is not None
    assert isinstance(flow.response.stream, Tap) is streamed
    assert (live[flow.id].tap is not None) is streamed
    assert dict(flow.response.headers) == headers


def test_an_answer_made_by_an_addon_is_left_alone() -> None:
    """A response that has its body already passes no tap."""
    flow = tflow.tflow(resp=True)
    flow.live = True
    live = Live({flow.id: begin(flow, "messages")})
    Tee(live).responseheaders(flow)
    assert live[flow.id].tap is None


def test_another_scripts_callable_is_chained() -> None:
    """A stream callable that was there before still works."""
    flow = tflow.tflow(resp=True)
    flow.live = True
    assert flow.response is not None
    flow.response.raw_content = None
    flow.response.stream = lambda data: data.upper()
    live = Live({flow.id: begin(flow, "messages")})
    Tee(live).responseheaders(flow)
    assert isinstance(flow.response.stream, ChainedTap)
    assert flow.response.stream(b"a") == b"A"


def test_flows_of_others_are_left_alone() -> None:
    """A flow that is not captured gets no tap."""
    flow = tflow.tflow(resp=True)
    flow.live = True
    Tee(Live()).responseheaders(flow)
    assert flow.response is not None
    assert flow.response.stream is False
