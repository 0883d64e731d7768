"""Begin the capture of each request of the API, before anything has changed it."""

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from mitmclaude.addons.live import Live, begin
from mitmclaude.exchange import endpoint, is_probe
from mitmclaude.options import Upstream


class Begin:
    """Decides which flows are captured: all of a reverse proxy but probes; else those to the upstream's host."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if flow.live and flow.id not in self._live and not is_probe(flow.request.method, flow.request.path):
            if is_reverse(flow) or flow.request.pretty_host == "api.anthropic.com":
                self._live[flow.id] = begin(flow, endpoint(flow.request.method, flow.request.path))


def is_reverse(flow: http.HTTPFlow) -> bool:
    """Whether the flow came in through a reverse proxy, so that its target is the upstream whatever it says."""
    return isinstance(flow.client_conn.proxy_mode, ReverseMode)
