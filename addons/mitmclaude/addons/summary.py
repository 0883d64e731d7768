"""Say at the end what was recorded, and what to type next."""

import logging
import os
import shlex
import shutil
import sys
from pathlib import Path

from mitmclaude import options
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.record.record import Record
from mitmclaude.record.totals import Totals, lines

logger = logging.getLogger(__name__)


class Summary:
    """Counts the records that are kept; has to be the last addon, so that it hears of all of them before the end."""

    name = "claude.summary"

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._totals = Totals()

    def claude_record(self, record: Record) -> None:
        self._totals.add(record)

    def done(self) -> None:
        self.print_summary()

    def print_summary(self) -> None:
        """Log the sums once; nothing where no call came."""
        totals, self._totals = self._totals, Totals()
        if not totals.calls:
            return
        first, *more = lines(totals)
        logger.info("mitmclaude recorded %s", first)
        for text in more:
            logger.info("    %s", text)
        if command := next_command(self._options.settings.store):
            logger.info("look at them with: %s", command)


def next_command(store: str) -> str:
    """The command that lists what was stored; empty where nothing of it is left."""
    if store == "memory:":
        return ""
    beside = Path(sys.executable).with_name("mitmclaude")
    tool = "mitmclaude" if shutil.which("mitmclaude") or not beside.exists() else str(beside)
    default = next(default for name, default, _ in options.declared(os.environ) if name == "claude_store")
    return shlex.join([tool, "list", *([] if store == default else ["--store", store])])
