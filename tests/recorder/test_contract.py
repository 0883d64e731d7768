"""What every recorder keeps to: one reply and one record for each call, whatever happens to it."""

import asyncio
import io
import time

import pytest
from mitmproxy import http
from mitmproxy.io import FlowReader

from mitmclaude.record import rawflow
from mitmclaude.recorder.messages import Came, Examined, Opened
from tests.recorder.calls import SSE, Running, body, call, came, ended, opened


async def test_a_call_has_its_record_and_its_flow(running: Running) -> None:
    """The reply comes when both are in the store; the flow is mitmproxy's, with the arrival of each piece."""
    running.send(*call())
    await running.all_stored(1)
    (record,), (flow_file,) = running.records(), running.flows()
    assert running.stored[0].record is not None
    assert record["outcome"] == "complete"
    assert record["flow"].endswith(flow_file.name)
    (flow,) = FlowReader(io.BytesIO(rawflow.decompressed(flow_file.read_bytes()))).stream()
    assert isinstance(flow, http.HTTPFlow)
    assert flow.response is not None
    assert (flow.request.raw_content, flow.response.raw_content) == (body(), SSE)
    sizes, times = zip(*flow.metadata[rawflow.ARRIVALS], strict=True)
    assert sum(sizes) == len(SSE)
    assert times[0] == 500.0
    assert list(times) == sorted(times)


async def test_an_answer_may_come_in_any_portions(running: Running) -> None:
    """Pieces in one message or in many make the same record."""
    one, many = opened(1), opened(2)
    whole = came(one)
    running.send(one, whole, ended(one))
    running.send(many)
    for number, chunk in enumerate(whole.chunks):
        running.send(Came(many.id, [chunk], *((200, whole.headers) if not number else (None, ()))))
    running.send(ended(many))
    await running.all_stored(2)
    first, second = running.records()
    first.pop("id"), second.pop("id"), first.pop("flow"), second.pop("flow")
    assert first == second


async def test_a_call_without_an_answer(running: Running) -> None:
    """A call that ends before its answer has a record all the same."""
    opening = opened()
    running.send(opening, ended(opening, "upstream_failed")._replace(status=None, failure="refused"))
    await running.all_stored(1)
    assert [record["outcome"] for record in running.records()] == ["unreachable"]


async def test_an_end_that_was_not_the_last(running: Running) -> None:
    """A partial record is stored, and the whole one takes its place; both have a reply."""
    opening, whole = opened(), came(opened())
    half = len(whole.chunks) // 2
    running.send(opening, whole._replace(chunks=whole.chunks[:half]), ended(opening, "shutdown", is_partial=True))
    await running.all_stored(1)
    assert [record["outcome"] for record in running.records()] == ["shutdown"]
    running.send(Came(opening.id, whole.chunks[half:]), ended(opening))
    await running.all_stored(2)
    assert [record["outcome"] for record in running.records()] == ["complete"]
    assert [reply.is_partial for reply in running.stored] == [True, False]


async def test_it_examines_what_the_proxy_leaves_to_it(running: Running) -> None:
    """The findings come at once, and stand in the record."""
    opening = opened(content=b'{"model": 1}', examine="enforce")
    running.send(opening)
    await running.until(lambda: any(isinstance(reply, Examined) for reply in running.replies))
    (examined,) = [reply for reply in running.replies if isinstance(reply, Examined)]
    assert {finding.path for finding in examined.findings} == {"model", "max_tokens", "messages"}
    running.send(ended(opening, "rejected"))
    await running.all_stored(1)
    assert len(running.records()[0]["findings"]) == len(examined.findings)


async def test_a_fault_of_ours_costs_one_record(running: Running) -> None:
    """A call that cannot be recorded is logged without its secrets and has its reply; the next one is recorded."""
    broken = opened(1, started_at="no time, but sk-ant-" + "api03-" + "Ab1" * 20)
    running.send(broken, ended(broken), *call(2))
    await running.all_stored(2)
    assert [reply.record is None for reply in running.stored] == [True, False]
    assert len(running.records()) == 1
    assert "Ab1Ab1" not in running.logged


async def test_many_calls_at_once(running: Running) -> None:
    """A thousand calls in flight: one record each."""
    calls = [call(number) for number in range(1000)]
    for step in range(3):
        for messages in calls:
            running.send(messages[step])
    await running.all_stored(1000, 120)
    assert len(running.records()) == len({record["id"] for record in running.records()}) == 1000


async def test_a_body_of_64_megabytes(running: Running) -> None:
    """It is recorded, and the call after it as well."""
    running.send(*call(1, body("x" * (64 << 20))), *call(2))
    await running.all_stored(2, 60)
    assert sorted(record["request"]["bytes"] > 1 << 26 for record in running.records()) == [False, True]


async def test_closing_finishes_what_was_sent(running: Running) -> None:
    """All that ended before `close` is stored, and its replies have come, when it returns."""
    for number in range(200):
        running.send(*call(number))
    running.recorder.close(30)
    assert len(running.stored) == len(running.records()) == 200


async def test_closing_is_bounded(running: Running) -> None:
    """A call that never ends does not hold `close`."""
    running.send(opened())
    began = time.monotonic()
    running.recorder.close(0.5)
    assert time.monotonic() - began < 10


async def test_the_loop_is_not_held(running: Running) -> None:
    """While large bodies are recorded the event loop goes on."""
    large = body("an ordinary sentence about nothing at all. " * 200_000)
    worst, last = 0.0, time.monotonic()
    for number in range(3):
        running.send(*call(number, large))
    while len(running.stored) < 3:
        await asyncio.sleep(0.001)
        worst, last = max(worst, time.monotonic() - last), time.monotonic()
    assert worst < 2.0


@pytest.mark.parametrize("level", ["full", "metadata"])
async def test_what_is_kept_follows_the_level(running: Running, level: str) -> None:
    """`full` keeps the bodies, `metadata` neither bodies nor a raw flow."""
    opening = opened(capture=level)
    running.send(opening, came(opening), ended(opening))
    await running.all_stored(1)
    (record,) = running.records()
    assert (record["flow"] is not None) == (len(running.flows()) == 1) == (level == "full")
    assert (record["request"]["input"] is None) == (level == "metadata")


async def test_a_request_that_was_edited_on_its_way(running: Running) -> None:
    """The record has both digests; the raw flow holds what went upstream, without its secrets."""
    opening, edited = opened(), body("edited ghp_" + "Ab1" * 12)
    running.send(opening, came(opening), ended(opening, request_content=edited))
    await running.all_stored(1)
    (record,), (flow_file,) = running.records(), running.flows()
    assert record["request"]["sha256"] != record["request"]["sha256_sent"]
    raw = rawflow.decompressed(flow_file.read_bytes())
    assert b"edited [redacted]" in raw


def test_messages_name_no_credential() -> None:
    """What is printed of a message by accident shows neither key nor credentials of the call."""
    assert "hunter2" not in repr(opened(credentials=frozenset({b"hunter2"}), fingerprint_key=b"hunter2" * 3))
    assert isinstance(opened(), Opened)


@pytest.mark.parametrize("kind", ["inline"])
async def test_a_body_of_too_many_values(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the memory does not suffice to examine it, it goes on unchecked, and its record says so."""

    def examine(*_: object) -> object:
        raise MemoryError

    monkeypatch.setattr("mitmclaude.recorder.recording.examine", examine)
    opening = opened(examine="enforce")
    running.send(opening, came(opening), ended(opening))
    await running.all_stored(1)
    (record,) = running.records()
    assert [finding["kind"] for finding in record["findings"]] == ["drift"]
