"""The verdict on a flow in mitmproxy's user interfaces."""

import gc

from mitmproxy.addons.view import View
from mitmproxy.flow import Flow
from mitmproxy.test import taddons

from mitmclaude.addons.live import Live
from mitmclaude.addons.marks import Marks
from tests.addons.recorded import around, record


def test_a_flow_shows_what_its_record_says() -> None:
    """Comment, marker and metadata; a view is told of it."""
    view, told = View(), []

    def tell(flow: Flow) -> None:
        told.append(flow)

    with around(view) as it:
        flow, capture = it.captured()
        view.add([flow])
        view.sig_view_update.connect(tell)
        del it.live[flow.id]
        Marks(it.live).claude_record(record(capture.id))
        assert told == [flow]
        assert flow.comment.startswith("⚠ client_aborted")
        assert flow.marked == ":warning:"
        assert flow.metadata["claude.session"] == "s1"


def test_a_flow_that_is_gone() -> None:
    """Nothing holds a flow for its record's sake."""
    live = Live()
    with taddons.context():
        Marks(live).claude_record(record("unknown"))
    with around() as it:
        flow, capture = it.captured()
        del it.live[flow.id], flow
        capture_id = capture.id
        del capture
        gc.collect()
        assert capture_id not in it.live.flows
