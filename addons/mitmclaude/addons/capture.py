"""Begin the capture of each request of the API, before anything has changed it."""

from urllib.parse import urlsplit
from weakref import WeakSet

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from mitmclaude.addons.live import Live, begin
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.exchange import endpoint, is_probe


class Begin:
    """Decides which flows are captured: all of a reverse proxy but probes; else those to the upstream's host."""

    name = "claude.capture"

    def __init__(self, live: Live, options: ClaudeOptions) -> None:
        self._live = live
        self._options = options
        self.passed: WeakSet[http.HTTPFlow] = WeakSet()
        """Flows that were seen and need no capture."""

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        request = flow.request
        if not flow.live or flow.response or flow.id in self._live:
            return
        if self.wants(flow):
            self._live[flow.id] = begin(flow, endpoint(request.method, request.path))
        else:
            self.passed.add(flow)

    def wants(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is to be captured, as its request stands."""
        request = flow.request
        has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
        if is_probe(request.method, request.path) and not has_body:
            return False
        return is_reverse(flow) or request.pretty_host == urlsplit(self._options.settings.upstream.origin).hostname


def is_reverse(flow: http.HTTPFlow) -> bool:
    """Whether the flow came in through a reverse proxy, so that its target is the upstream whatever it says."""
    return isinstance(flow.client_conn.proxy_mode, ReverseMode)
