"""What is said at the end."""

import logging
from pathlib import Path

import pytest
from mitmproxy.test import taddons

from mitmclaude.addons.hooks import ClaudeRecordHook
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.summary import Summary, next_command
from tests.record.made import made


async def test_records_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Each record that is kept counts; the end tells the sums, what became of the calls and what to type."""
    caplog.set_level(logging.INFO)
    options = ClaudeOptions()
    summary = Summary(options)
    with taddons.context(options, summary) as context:
        for record in (made(cost="0.5", input_tokens=1, output_tokens=2), made("truncated")):
            await context.master.addons.trigger_event(ClaudeRecordHook(record))
        summary.done()
        summary.done()
    first, outcomes, command = [record.getMessage() for record in caplog.records if "summary" in record.name]
    assert first == "mitmclaude recorded 2 calls, 1 tokens in, 2 out, $0.5000"
    assert outcomes.strip() == "1 complete, 1 truncated"
    assert command.startswith("look at them with: ")
    assert command.endswith("mitmclaude list")


def test_nothing_is_said_of_no_calls(caplog: pytest.LogCaptureFixture) -> None:
    """A session without a call ends without a word."""
    caplog.set_level(logging.INFO)
    Summary(ClaudeOptions()).done()
    assert not caplog.records


def test_the_command_finds_the_store(tmp_path: Path) -> None:
    """The command names a store that is not the default, as a shell takes it; memory is gone by then."""
    assert next_command("memory:") == ""
    assert next_command("s3://bucket/a?region=x").endswith("mitmclaude list --store 's3://bucket/a?region=x'")
