"""Send requests below the path prefix of the upstream."""

from mitmproxy import http

from mitmclaude.addons.capture import is_reverse
from mitmclaude.addons.settings import ClaudeOptions


class UpstreamPath:
    """Puts the prefix of `claude_upstream` before the path of each request of a reverse proxy."""

    name = "claude.upstream"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        prefix = self._options.settings.upstream.prefix
        if prefix and flow.live and is_reverse(flow) and not flow.is_replay:
            flow.request.path = prefix + flow.request.path
