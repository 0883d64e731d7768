"""Bodies are read out of raw flows as mitmproxy reads them itself."""

import gzip
import io

import pytest
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils

from mitmclaude.library.bodies import Message, bodies, payload


def written(**request: object) -> bytes:
    file = io.BytesIO()
    flow = tflow.tflow(req=tutils.treq(**request), resp=True)
    flow.metadata = {"claude.arrivals": [[1, 0.5], [2, 3]], "x": None, "y": True}
    FlowWriter(file).add(flow)
    return file.getvalue()


def test_both_halves() -> None:
    """The request's body as JSON, the answer's as bytes."""
    found = bodies(written(content='{"model":"ä"}'.encode()))
    assert payload(found.request) == {"model": "ä"}
    assert found.response is not None
    assert found.response.body == b"message"
    assert (b"header", b"qvalue") in found.request.headers


def test_a_coded_body() -> None:
    """It comes decoded; one that cannot be is as it came, with what is wrong."""
    coded = (b"content-encoding", b"gzip"), (b"x", b"y")
    assert bodies(written(content=gzip.compress(b"{}"), headers=coded)).request.body == b"{}"
    cut = bodies(written(content=gzip.compress(b"{}" * 999)[:-9], headers=coded)).request
    assert cut.problem == "the gzip body is cut"
    bad = bodies(written(content=b"hello", headers=coded)).request
    assert (bad.body, bool(bad.problem)) == (b"hello", True)


def test_what_is_no_flow() -> None:
    """It is refused at every length."""
    whole = written(content=b"{}")
    for length in range(0, len(whole), 7):
        with pytest.raises(ValueError, match="flow"):
            bodies(whole[:length])
    for junk in (b"hello", b"2:ab,", b"0:}", b"3:abc?", b"99999999999999:a,"):
        with pytest.raises(ValueError, match="flow"):
            bodies(junk)


@pytest.mark.parametrize(("body", "why"), [(None, "not kept"), (b"x", "not JSON"), (b"[]", "not a JSON object")])
def test_a_body_that_is_no_object(body: bytes | None, why: str) -> None:
    """It is told which of these it is."""
    with pytest.raises(ValueError, match=why):
        payload(Message((), body))
