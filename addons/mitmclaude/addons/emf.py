"""Print each record with its CloudWatch metrics on stdout, where `claude_log=emf`."""

import sys

from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.record import metrics
from mitmclaude.record.record import Record


class Metrics:
    """One line a record, which CloudWatch reads from the log."""

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options

    def claude_record(self, record: Record) -> None:
        if self._options.settings.log == "emf":
            sys.stdout.write(metrics.emf(record).decode() + "\n")
            sys.stdout.flush()
