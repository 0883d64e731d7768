"""Show each record's verdict in mitmproxy's user interfaces and filters (`~comment`, `~meta`, `~marked`)."""

from mitmproxy import ctx
from mitmproxy.hooks import UpdateHook

from mitmclaude.addons.live import Live
from mitmclaude.record import line
from mitmclaude.record.record import Record


class Marks:
    """Writes on the flow what its record says."""

    name = "claude.marks"

    def __init__(self, live: Live) -> None:
        self._live = live

    def claude_record(self, record: Record) -> None:
        if ctx.master.addons.get("view") is None:
            return  # mitmdump shows no flow, and has let go of this one
        flow = self._live.flows.get(record.id)
        if flow is None:
            return
        flow.comment = line.comment(record)
        if record.outcome != "complete":
            flow.marked = ":warning:"
        flow.metadata |= {
            "claude.id": record.id,
            "claude.outcome": record.outcome,
            "claude.session": record.session_id or "",
            "claude.model": record.request.model or "",
        }
        ctx.master.addons.trigger(UpdateHook([flow]))
