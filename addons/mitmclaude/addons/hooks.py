"""The event that this project adds to mitmproxy's own: every addon may have a method of its name.

https://docs.mitmproxy.org/stable/api/mitmproxy/hooks.html
"""

from dataclasses import dataclass

from mitmproxy.hooks import Hook

from mitmclaude.record.record import Record


@dataclass
class ClaudeRecordHook(Hook):
    """``claude_record(record)``: a record is in the store. Fired once for each record, on the event loop."""

    record: Record
