"""Leave out what mitmproxy logs of each connection: half of what a session would print, and nothing of a call."""

import logging

from mitmproxy import ctx

LOGGER = logging.getLogger("mitmproxy.proxy.server")

LEFT_OUT = (
    "client connect",
    "client disconnect",
    "server connect ",
    "server disconnect ",
    "Streaming response from",
    "Streaming request to",
)


class Quiet(logging.Filter):
    """Drops those lines unless mitmproxy was asked for all it has to say (`-v`)."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "claude.quiet"
        self._is_verbose = False

    def load(self, _loader: object) -> None:
        LOGGER.addFilter(self)

    def configure(self, updated: set[str]) -> None:
        if "termlog_verbosity" in updated and "termlog_verbosity" in ctx.options:
            self._is_verbose = ctx.options.termlog_verbosity == "debug"

    def done(self) -> None:
        LOGGER.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        return self._is_verbose or not (isinstance(record.msg, str) and record.msg.startswith(LEFT_OUT))
