"""What is refused before it goes upstream."""

import asyncio
import gzip

import orjson
import pytest

from mitmclaude import options
from mitmclaude.addons.validate import NAMED, refusal
from mitmclaude.findings import violation
from mitmclaude.recorder.by_size import LARGE
from mitmclaude.recorder.messages import Examined, Opened
from tests.addons.recorded import GOOD, Around, around


def with_level(it: Around, level: str) -> None:
    values = {name: default for name, default, _ in options.declared({}, "linux")}
    it.options.settings = options.parse({**values, "claude_validation": level})


async def test_a_good_request_goes_on_and_is_told_in_the_next_turn() -> None:
    """It is on its way when its record begins."""
    with around() as it:
        flow, _ = it.captured(resp=False)
        await it.validate.request(flow)
        assert flow.response is None
        assert not it.toy.sent
        await asyncio.sleep(0)
        assert it.only(Opened).body == GOOD
        assert it.only(Opened).parsed == orjson.loads(GOOD)


@pytest.mark.parametrize(("level", "refused"), [("enforce", True), ("observe", False), ("off", False)])
async def test_a_malformed_request(level: str, refused: bool) -> None:
    """`enforce` answers it with 400; `observe` notes it; `off` does not look."""
    with around() as it:
        with_level(it, level)
        flow, capture = it.captured(b'{"model": 1}', resp=False)
        await it.validate.request(flow)
        assert (flow.response is not None) == capture.rejected == refused
        assert bool(capture.findings) == (level != "off")
        if flow.response is not None:
            assert flow.response.status_code == 400
            assert flow.response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("form", ["large", "compressed"])
async def test_a_large_or_compressed_request_is_left_to_the_recorder(form: str) -> None:
    """It is neither decoded nor parsed on the event loop."""
    body = b" " * LARGE + GOOD if form == "large" else gzip.compress(GOOD)
    headers = () if form == "large" else ((b"content-encoding", b"gzip"),)
    with around() as it:
        flow, capture = it.captured(body, resp=False)
        capture.headers = headers
        hook = asyncio.ensure_future(it.validate.request(flow))
        await asyncio.sleep(0)
        assert it.only(Opened).examine == "enforce"
        it.reply(Examined(capture.id, (violation("model", "wanted a string"),)))
        await hook
        assert capture.rejected


async def test_a_request_that_may_not_be_kept_loses_its_body() -> None:
    """What a stranger sent is not even forwarded to the record."""
    with around() as it:
        flow, capture = it.captured(resp=False)
        capture.keeps_body = False
        await it.validate.request(flow)
        assert flow.request.raw_content == b""
        assert capture.body == b""


def test_a_refusal_names_the_first_violations() -> None:
    """And says how many more there are."""
    text = refusal([violation(f"messages.{n}", "wrong") for n in range(NAMED + 3)])
    assert text.splitlines()[-1] == "and 3 more"
    assert "messages.0: wrong" in text
