"""Which requests are captured."""

import pytest
from mitmproxy import http
from mitmproxy.proxy.mode_specs import ProxyMode

from mitmclaude.addons.capture import Begin
from mitmclaude.addons.live import Live
from tests.addons.flows import asked, settled


def regular(host: str) -> http.HTTPFlow:
    """A flow of a forward proxy."""
    flow = asked(headers={"host": host})
    flow.client_conn.proxy_mode = ProxyMode.parse("regular")
    flow.request.host = host
    return flow


@pytest.mark.parametrize(
    ("flow", "captured"),
    [
        (asked(), True),
        (asked("GET", "/anything", {"content-length": "0"}), True),
        (asked("HEAD", "/", {"content-length": "0"}), False),
        (asked("HEAD", "/api/hello", {"content-length": "0"}), False),
        (asked("HEAD", "/", {"content-length": "5"}), True),
        (regular("api.anthropic.com"), True),
        (regular("example.com"), False),
    ],
)
def test_what_is_captured(flow: http.HTTPFlow, captured: bool) -> None:
    """A reverse proxy captures all but probes, a forward proxy the calls to the upstream; others are marked as seen."""
    live = Live()
    begin = Begin(live, settled())
    begin.requestheaders(flow)
    assert (flow.id in live) is captured
    assert (flow in begin.passed) is not captured


def test_what_was_answered_or_read_from_a_file_is_not_captured() -> None:
    """A flow that another addon has answered, or that is not live, leaves no capture."""
    live = Live()
    begin = Begin(live, settled())
    answered, loaded = asked(), asked()
    answered.response = http.Response.make(200)
    loaded.live = False
    for flow in (answered, loaded):
        begin.requestheaders(flow)
    assert not live


def test_the_capture_holds_the_request_as_it_came() -> None:
    """What later addons change of the request is not seen in the capture."""
    live = Live()
    flow = asked(path="/v1/messages?beta=true", headers={"x-api-key": "k"})
    Begin(live, settled()).requestheaders(flow)
    flow.request.path = "/team-a/v1/messages"
    flow.request.headers.clear()
    capture = live[flow.id]
    assert (capture.method, capture.path, capture.endpoint) == ("POST", "/v1/messages?beta=true", "messages")
    assert (b"x-api-key", b"k") in capture.headers
