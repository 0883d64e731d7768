"""The README names everything that a user can set or call."""

import re
from pathlib import Path

import pytest
import typer

from mitmclaude.cli import app
from mitmclaude.options import OPTIONS
from mitmclaude.record.outcome import OUTCOMES

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_options(option: object) -> None:
    """Every option stands in the table with its environment variable and its default."""
    name, default = option.name, option.default  # type: ignore[attr-defined]
    (row,) = re.findall(rf"^\| `claude_{name}` .*$", README, re.MULTILINE)
    assert f"`CLAUDE_{name.upper()}`" in row
    assert not default or f"`{default}`" in row


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
def test_subcommands(command: str) -> None:
    """Every subcommand is in the README."""
    assert f"`mitmclaude {command}" in README


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_outcomes(outcome: str) -> None:
    """Every outcome is explained."""
    assert f"| `{outcome}` |" in README
