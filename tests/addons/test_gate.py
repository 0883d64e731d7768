"""What goes upstream, and what is stopped there."""

import pytest
from mitmproxy import http
from mitmproxy.proxy.layers.http import HttpStream

from mitmclaude.addons import gate as gate_module
from mitmclaude.addons.capture import Begin
from mitmclaude.addons.gate import Gate
from mitmclaude.addons.live import Capture, Live
from tests.addons.flows import asked, settled


def captured(flow: http.HTTPFlow, **values: str) -> tuple[Gate, Live, Capture]:
    live, options = Live(), settled(**values)
    begin = Begin(live, options)
    begin.requestheaders(flow)
    return Gate(live, begin, options), live, live[flow.id]


def test_what_was_checked_passes() -> None:
    """A captured request that was examined goes upstream."""
    flow = asked()
    gate, _, capture = captured(flow)
    capture.request_end = 0.1
    assert gate.stop(flow) is None
    assert not capture.rejected


def test_probes_and_other_hosts_pass_without_tokens() -> None:
    """What needs no capture goes upstream, unless tokens are wanted."""
    flow = asked("HEAD", "/", {"content-length": "0"})
    for values, passes in (({}, True), ({"tokens": "env:X"}, False)):
        live, options = Live(), settled(**values)
        begin = Begin(live, options)
        begin.requestheaders(flow)
        flow.request.path = "/team-a/"  # as the prefix of an upstream makes it
        assert (Gate(live, begin, options).stop(flow) is None) is passes
        flow.request.path = "/"


@pytest.mark.parametrize(
    ("validation", "streams", "passes"),
    [("enforce", True, False), ("observe", True, True), ("observe", False, False), ("off", True, True)],
)
def test_what_was_not_examined(validation: str, streams: bool, passes: bool) -> None:
    """A request that `request` has not seen is stopped, unless it streams and need not be checked."""
    flow = asked()
    gate, _, capture = captured(flow, validation=validation)
    flow.request.stream = streams
    assert (gate.stop(flow) is None) is passes
    assert capture.rejected is not passes


def test_what_was_not_captured_is_stopped_and_recorded() -> None:
    """A request that was never captured is stopped, and a capture makes sure of its record."""
    flow = asked()
    live, options = Live(), settled()
    assert "was not captured" in (Gate(live, Begin(live, options), options).stop(flow) or "")
    assert live[flow.id].rejected
    assert not live[flow.id].keeps_body


def test_what_was_refused_or_not_let_in_is_stopped() -> None:
    """Taking away the answer of a refusal opens nothing, nor does a token that nobody asked for."""
    flow = asked()
    gate, _, capture = captured(flow, tokens="env:X")
    capture.request_end = 0.1
    assert "token was not checked" in (gate.stop(flow) or "")
    capture.admitted = True
    assert "it was refused" in (gate.stop(flow) or "")
    capture.rejected = False
    assert gate.stop(flow) is None


def test_it_stands_in_mitmproxys_way_while_loaded() -> None:
    """Loaded it replaces mitmproxy's method, then puts it back; with tokens the way stays shut."""
    for values, left in (({}, gate_module.ORIGINAL), ({"tokens": "env:X"}, gate_module.shut)):
        live, options = Live(), settled(**values)
        gate = Gate(live, Begin(live, options), options)
        try:
            gate.load(None)
            assert HttpStream.make_server_connection not in (gate_module.ORIGINAL, gate_module.shut)
            gate.done()
            assert HttpStream.make_server_connection is left
        finally:
            gate_module._use(gate_module.ORIGINAL)
