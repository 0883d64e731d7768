"""Print each record as `claude_log` asks: a line, a line with headers and bodies, or a JSON object."""

import logging

from mitmclaude.addons.live import Live
from mitmclaude.addons.printing import Printing
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.record import line
from mitmclaude.record.record import Record
from mitmclaude.redact import Redactor, credentials

logger = logging.getLogger(__name__)


class LogLine:
    """For people through mitmproxy's log, for programs on stdout."""

    name = "claude.logline"

    def __init__(self, live: Live, options: ClaudeOptions, printing: Printing) -> None:
        self._live = live
        self._options = options
        self._printing = printing

    def claude_record(self, record: Record) -> None:
        match self._options.settings.log:
            case "json":
                self._printing.write(line.flat(record).decode())
            case "line" | "verbose" as form:
                text = line.line(record) if form == "line" else line.verbose(record, self._redactor(record))
                logger.log(logging.INFO if record.outcome == "complete" else logging.WARNING, "%s", text)

    def _redactor(self, record: Record) -> Redactor:
        """One that knows the credentials of the call: with `claude_capture=full` its record may quote them."""
        flow = self._live.flows.get(record.id)
        return Redactor(None, credentials(flow.request.headers.fields, flow.request.path) if flow else frozenset())
