"""Keep what peers sent out of mitmproxy's own log lines: some quote bytes that may hold a credential."""

import logging
import re

_QUOTING = re.compile(
    r"((?:before completing request headers|Bad HTTP request line|Bad HTTP response line|Invalid header line"
    r"|Unexpected data from server|unexpected server response)[^'\"]*: b?)['\"].*",
    re.DOTALL,
)

LOGGER = logging.getLogger("mitmproxy.proxy.server")


class Hushed(logging.Filter):
    """Cuts the quoted bytes from the lines that mitmproxy logs of a connection."""

    name = "claude.hushed"

    def load(self, _loader: object) -> None:
        LOGGER.addFilter(self)

    def done(self) -> None:
        LOGGER.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        shown = _QUOTING.sub(r"\1[not shown]", message)
        if shown != message:
            record.msg, record.args = shown, ()
        return True
