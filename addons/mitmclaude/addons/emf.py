"""Print each record with its CloudWatch metrics on stdout, where `claude_log=emf`."""

from mitmclaude.addons.printing import Printing
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.record import metrics
from mitmclaude.record.record import Record


class Metrics:
    """One line a record, which CloudWatch reads from the log."""

    name = "claude.emf"

    def __init__(self, options: ClaudeOptions, printing: Printing) -> None:
        self._options = options
        self._printing = printing

    def claude_record(self, record: Record) -> None:
        if self._options.settings.log == "emf":
            self._printing.write(metrics.emf(record).decode())
