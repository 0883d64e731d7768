"""What is printed of a record."""

import json
import logging

import pytest

from mitmclaude import options
from mitmclaude.addons.emf import Metrics
from mitmclaude.addons.logline import LogLine
from mitmclaude.addons.printing import Printing
from tests.addons.recorded import Around, around, record


def printing(it: Around, form: str) -> tuple[LogLine, Metrics]:
    values = {name: default for name, default, _ in options.declared({}, "linux")}
    it.options.settings = options.parse({**values, "claude_log": form})
    return LogLine(it.live, it.options, Printing()), Metrics(it.options, Printing())


@pytest.mark.parametrize("form", ["line", "verbose"])
def test_lines_for_people_go_to_the_log(form: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is not complete is a warning."""
    with around() as it, caplog.at_level(logging.INFO):
        for part in printing(it, form):
            part.claude_record(record("r1"))
    (line,) = [entry for entry in caplog.records if "r1" in entry.getMessage()]
    assert line.levelno == logging.WARNING


@pytest.mark.parametrize("form", ["json", "emf"])
def test_lines_for_programs_go_to_stdout(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line."""
    with around() as it:
        for part in printing(it, form):
            part.claude_record(record("r1"))
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["id"] == "r1"
    assert ("_aws" in said) == (form == "emf")


def test_off(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """`off` prints nothing."""
    with around() as it, caplog.at_level(logging.INFO):
        for part in printing(it, "off"):
            part.claude_record(record("r1"))
    assert "r1" not in capsys.readouterr().out + caplog.text


def test_a_verbose_line_has_no_credential_of_its_call(caplog: pytest.LogCaptureFixture) -> None:
    """With `claude_capture=full` the record may quote the key that the request carries, whatever it looks like."""
    with around() as it, caplog.at_level(logging.INFO):
        flow, capture = it.captured()
        flow.request.headers["x-api-key"] = "an opaque key of ours"
        kept = record(capture.id)
        told = kept.model_copy(update={"request": kept.request.model_copy(update={"input": ["an opaque key of ours"]})})
        printing(it, "verbose")[0].claude_record(told)
    assert "[redacted]" in caplog.text
    assert "an opaque key of ours" not in caplog.text
