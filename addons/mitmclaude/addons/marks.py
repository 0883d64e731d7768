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
        if not is_kept():
            return
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
        if ctx.master.addons.get("view") is not None:
            ctx.master.addons.trigger(UpdateHook([flow]))


def is_kept() -> bool:
    """Whether anybody keeps flows: mitmdump lets go of each as it ends, unless it writes them to a file."""
    written = (name for name in ("save_stream_file", "hardump") if name in ctx.options and getattr(ctx.options, name))
    return ctx.master.addons.get("view") is not None or any(written)
