"""Raw flow objects: valid flow files, without a credential in any part."""

import gzip
import io
from typing import Any

import pytest
import zstandard
from mitmproxy import flow as mitm_flow
from mitmproxy import http
from mitmproxy.io import FlowReader
from mitmproxy.io import tnetstring as mitmproxys
from mitmproxy.test import tflow

from mitmclaude.options import CaptureLevel
from mitmclaude.record import rawflow, tnetstring
from mitmclaude.record.rawflow import ARRIVALS, UNREADABLE, Looked, decompressed
from mitmclaude.redact import Redactor, credentials

KEY = b"sk-ant-" + b"api03-" + b"Zz9" * 20
ARRIVED = [[10, 0.5], [6, 12.25]]
IN_BODY = b"ghp_" + b"Ab1" * 12


def flow() -> http.HTTPFlow:
    made = tflow.tflow(resp=True)
    made.request.headers["x-api-key"] = KEY.decode()
    made.request.path = f"/v1/messages?token={KEY.decode()}"
    made.request.raw_content = b'{"text": "%s"}' % IN_BODY
    assert made.response is not None
    made.response.headers["set-cookie"] = f"session={KEY.decode()}"
    made.response.raw_content = b'{"text": "fine"}'
    return made


def stored(made: http.HTTPFlow, level: CaptureLevel = "redacted") -> tuple[bytes, http.HTTPFlow]:
    redactor = Redactor(None, credentials(made.request.headers.fields, made.request.path))
    compressor = zstandard.ZstdCompressor()
    state = made.get_state()

    def kept(part: str) -> dict[str, Any] | None:
        if state[part] is None:
            return None
        content, headers = state[part]["content"], state[part]["headers"]
        looked = None if level == "full" else Looked(content, headers, redactor)
        return rawflow.message(state[part], content, looked, redactor)

    request = rawflow.frame("request", kept("request"), compressor)
    raw = decompressed(rawflow.flow_file(request, state, kept("response"), ARRIVED, redactor, compressor))
    (read,) = FlowReader(io.BytesIO(raw)).stream()
    assert isinstance(read, http.HTTPFlow)
    return raw, read


def test_it_is_the_same_flow_without_its_credentials() -> None:
    """mitmproxy reads it back: same id, same harmless parts, no credential; the live flow keeps its own."""
    made = flow()
    raw, read = stored(made)
    assert KEY not in raw
    assert IN_BODY not in raw
    assert read.id == made.id
    assert read.request.headers["x-api-key"] == "[redacted]"
    assert read.response is not None
    assert read.response.raw_content == b'{"text": "fine"}'
    assert made.request.headers["x-api-key"] == KEY.decode()


def test_the_backup_of_an_edited_flow_is_not_kept() -> None:
    """A flow that was edited in a user interface remembers how it came, credentials included: not in the object."""
    made = flow()
    made.backup()
    made.request.headers["x-api-key"] = "edited"
    assert made.modified()
    raw, _ = stored(made)
    assert KEY not in raw


def test_full_keeps_bodies() -> None:
    """`full` keeps bodies as they came, and still no credential header."""
    raw, read = stored(flow(), "full")
    assert read.request.raw_content == b'{"text": "%s"}' % IN_BODY
    assert KEY not in raw


@pytest.mark.parametrize("secret", [True, False])
def test_compressed_bodies(secret: bool) -> None:
    """A compressed body without a secret stays as it was; one with a secret is kept decoded and blanked."""
    made = flow()
    plain = b'{"text": "%s"}' % (IN_BODY if secret else b"fine")
    made.request.raw_content = gzip.compress(plain)
    made.request.headers["content-encoding"] = "gzip"
    _, read = stored(made)
    if secret:
        assert "content-encoding" not in read.request.headers
        assert read.request.raw_content == b'{"text": "[redacted]"}'
    else:
        assert read.request.raw_content == made.request.raw_content


def test_junk_behind_a_compressed_body_is_looked_into() -> None:
    """A secret in plain behind the end of a compressed body is blanked as well."""
    made = flow()
    made.request.raw_content = gzip.compress(b"fine") + IN_BODY
    made.request.headers["content-encoding"] = "gzip"
    raw, _ = stored(made)
    assert IN_BODY not in raw


def test_what_cannot_be_looked_into_is_not_kept() -> None:
    """A body that does not decode may hold anything, and is replaced."""
    made = flow()
    made.request.raw_content = b"no gzip at all"
    made.request.headers["content-encoding"] = "gzip"
    _, read = stored(made)
    assert read.request.raw_content == UNREADABLE


def test_errors_and_missing_parts() -> None:
    """A flow without answer, with an error that quotes a key, is kept without the key."""
    made = flow()
    made.response = None
    made.error = mitm_flow.Error(f"unexpected answer: {KEY.decode()}")
    raw, read = stored(made)
    assert KEY not in raw
    assert read.error is not None
    assert read.error.msg.startswith("unexpected answer: ")


def test_objects_can_be_put_together() -> None:
    """Several objects in a row are one flow file."""
    parts: list[Any] = [stored(flow())[0] for _ in range(3)]
    assert len(list(FlowReader(io.BytesIO(b"".join(parts))).stream())) == 3


def test_the_pace_of_the_answer_is_kept() -> None:
    """The metadata tells how many bytes came when, so that a replay can keep the pace."""
    made = flow()
    made.metadata["mine"] = 1
    _, read = stored(made)
    assert read.metadata == {"mine": 1, ARRIVALS: ARRIVED}
    assert made.metadata == {"mine": 1}


@pytest.mark.parametrize(
    "value", [None, True, False, 0, -7, 2**80, 0.1, b"", b"\0", "", "ä€", [], (1, "a"), {}, {"a": [{"b": b"c"}]}]
)
def test_it_is_written_as_mitmproxy_writes_it(value: Any) -> None:
    """mitmproxy reads each kind of value back as it reads its own."""
    assert mitmproxys.loads(tnetstring.dumps(value)) == mitmproxys.loads(mitmproxys.dumps(value))


def test_a_text_of_another_class_is_a_text() -> None:
    """A value of a derived type is written as what it is derived from; anything else is named."""

    class Text(str):
        __slots__ = ()

    assert tnetstring.dumps(Text("a")) == b"1:a;"
    with pytest.raises(ValueError, match="cannot hold a set"):
        tnetstring.dumps([{"a": {1}}])
