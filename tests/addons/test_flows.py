"""A flow and its capture → messages."""

import pytest
from mitmproxy import flow as mitmflow
from mitmproxy import http
from mitmproxy.test import tflow

from mitmclaude.addons import flows


def made(**more: object) -> http.HTTPFlow:
    return tflow.tflow(**more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "flow",
    [made(), made(resp=True), made(err=True), made(resp=True, ws=True)],
    ids=["request", "answered", "failed", "websocket"],
)
def test_the_state_is_mitmproxys(flow: http.HTTPFlow) -> None:
    """It is what mitmproxy writes of a flow, but for the contents and the backup."""
    for _ in range(2):
        wanted = flow.get_state()
        del wanted["backup"]
        for part in ("request", "response"):
            if wanted[part]:
                wanted[part]["content"] = None
        assert flows._state(flow) == wanted
        flow.client_conn.timestamp_end = 123.0
        flow.server_conn.sni = "elsewhere.example"
        flow.error = mitmflow.Error("later")
        flow.metadata["more"] = [1]


def test_a_connection_is_looked_at_again_when_it_changes() -> None:
    """Of an unchanged one the same state is given; a change of any field makes a new one."""
    connection = made().client_conn
    first = flows._connection_state(connection)
    assert flows._connection_state(connection) is first
    connection.timestamp_tls_setup = 5.0
    assert flows._connection_state(connection)["timestamp_tls_setup"] == 5.0
