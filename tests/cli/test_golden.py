"""What the commands that read a call, a session or the cache print of a small store: golden files, which people read.

To write them anew: GOLDEN=write pytest -n 0 tests/cli/test_golden.py, then read the difference.
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Run
from tests.library import story

GOLDEN = Path(__file__).parents[1] / "golden" / "ask"
SCHEMA = Path(__file__).parents[2] / "schema"

COMMANDS = {
    "show": ("show", "00000002"),
    "show_failed": ("show", "000002bd"),
    "show_last": ("show",),
    "show_full": ("show", "00000001", "--full"),
    "conversation": ("conversation",),
    "conversation_agent": ("conversation", "a3f0"),
    "cache": ("cache",),
    "cache_all": ("cache", "16a12cbc", "--all"),
    "cache_by_agent": ("cache", "last", "--by", "agent"),
    "cache_since": ("cache", "--since", "2026-11-22T09:43:10", "--until", "2026-11-22"),
    "diff": ("diff", "-2", "last"),
    "diff_stat": ("diff", "00000002", "00000003", "--stat"),
    "diff_of_a_retry": ("diff", "00000005", "00000006"),
    "diff_of_the_same": ("diff", "last", "-1"),
    "context": ("context",),
    "context_agent": ("context", "000001f6"),
    "cache.json": ("cache", "--json"),
    "conversation.json": ("conversation", "a3f0", "--json"),
    "diff.json": ("diff", "00000005", "00000006", "--json"),
    "context.json": ("context", "--json"),
    "show.json": ("show", "00000002", "--json"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("story") / "store"
    story.write(root)
    return root


@pytest.mark.parametrize("name", COMMANDS)
def test_golden(name: str, store: Path, mitmclaude: Run) -> None:
    """The output is that of the golden file."""
    done = mitmclaude(*COMMANDS[name], "--store", store, XDG_CACHE_HOME=str(store.parent / "cache"))
    assert (done.stderr, done.returncode) == ("", 0)
    printed = done.stdout
    path = GOLDEN / (name if name.endswith(".json") else f"{name}.txt")
    if name.endswith(".json"):
        printed = json.dumps(json.loads(printed), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(printed)
    assert printed == path.read_text()


def test_every_golden_file_has_a_command() -> None:
    """None is left of a command that is gone."""
    names = {name if name.endswith(".json") else f"{name}.txt" for name in COMMANDS}
    assert {path.name for path in GOLDEN.iterdir()} == names


@pytest.mark.parametrize("name", ["cache", "conversation", "diff", "context", "show"])
def test_json_has_a_schema(name: str) -> None:
    """What --json prints is what the published schema says, and nothing that it does not name."""
    schema = json.loads((SCHEMA / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    printed = json.loads((GOLDEN / f"{name}.json").read_text())
    jsonschema.validate(printed, strict(schema))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(printed | {"version": 2}, schema)


def strict(schema: Any) -> Any:
    """The schema, with no other fields than those it names."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: strict(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "required" in schema else inner


def test_the_readme_shows_what_is_printed() -> None:
    """The beginnings of the golden files of the cache and the conversation stand in it."""
    readme = (SCHEMA.parent / "README.md").read_text()
    for name, lines in (("cache", 6), ("conversation", 6)):
        assert "\n".join((GOLDEN / f"{name}.txt").read_text().split("\n")[:lines]) in readme
