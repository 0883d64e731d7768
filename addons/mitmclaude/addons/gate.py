"""Let nothing go upstream that was not captured, checked and, where tokens are wanted, let in.

Scripts share one try block of mitmproxy: where one raises, the hooks of those after it do not run. So the last word is
spoken where mitmproxy gets a request its connection to the upstream, in one method for new connections and those in
use, HTTP/1 and HTTP/2, clients and replays. That method is replaced while the addon is loaded.
"""

import logging
from collections.abc import Callable

from mitmproxy import http
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError

from mitmclaude.addons.capture import Begin
from mitmclaude.addons.listening import wants_tokens
from mitmclaude.addons.live import Live, begin
from mitmclaude.addons.refusal import clip
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.exchange import endpoint

logger = logging.getLogger(__name__)

type Connect = Callable[[HttpStream], layer.CommandGenerator[bool]]

STOPPED = "did not go upstream"
"""How the message begins that a stopped request is answered with."""

ORIGINAL: Connect = HttpStream.make_server_connection


class Gate:
    """Stops each request that the addons before it should have seen and did not."""

    name = "claude.gate"

    def __init__(self, live: Live, begin_: Begin, options: ClaudeOptions) -> None:
        self._live = live
        self._begin = begin_
        self._options = options

    def load(self, _loader: object) -> None:
        gate = self

        def make_server_connection(stream: HttpStream) -> layer.CommandGenerator[bool]:
            if problem := gate.stop(stream.flow):
                error = ResponseProtocolError(stream.stream_id, problem, ErrorCode.CONNECT_FAILED)
                yield from stream.handle_protocol_error(error)
                return False
            return (yield from ORIGINAL(stream))

        _use(make_server_connection)

    def done(self) -> None:
        """Leave mitmproxy as it was; with tokens it stays shut: after a failed reload nobody would ask for them."""
        _use(shut if wants_tokens(self._options.settings) else ORIGINAL)

    def stop(self, flow: http.HTTPFlow) -> str | None:
        """Why a request does not go upstream, or None; then the `error` hook makes a record of it."""
        try:
            problem = self.problem(flow)
            if problem:
                self._reject(flow)
        except Exception as error:  # noqa: BLE001  whatever could not be decided does not pass
            problem = type(error).__name__
        if problem:
            logger.warning("a request did not go upstream: %s", problem)
            return f"{STOPPED}: {problem}"
        return None

    def problem(self, flow: http.HTTPFlow) -> str | None:
        """What was left out, or None."""
        settings = self._options.settings
        capture = self._live.get(flow.id)
        if capture is None:
            if wants_tokens(settings) or (flow not in self._begin.passed and self._begin.wants(flow)):
                return "it was not captured, as another addon failed or interfered"
            return None
        if capture.rejected:
            return "it was refused"
        if wants_tokens(settings) and not capture.admitted:
            return "its token was not checked, as another addon failed or interfered"
        if capture.request_end is None and (settings.validation == "enforce" or not flow.request.stream):
            return "it was not examined, as another addon failed, or streams requests"
        return None

    def _reject(self, flow: http.HTTPFlow) -> None:
        capture = self._live.get(flow.id)
        if capture is None:
            request = flow.request
            capture = self._live[flow.id] = begin(flow, endpoint(request.method, request.path))
        capture.rejected = True
        capture.keeps_body = False
        if not capture.admitted:
            clip(capture)


def shut(stream: HttpStream) -> layer.CommandGenerator[bool]:
    """Connect nothing."""
    error = ResponseProtocolError(stream.stream_id, "the addon that asks for tokens is gone", ErrorCode.CONNECT_FAILED)
    yield from stream.handle_protocol_error(error)
    return False


def _use(connect: Connect) -> None:
    HttpStream.make_server_connection = connect  # type: ignore[method-assign, assignment]
