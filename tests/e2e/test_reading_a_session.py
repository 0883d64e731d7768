"""A session of the real Claude Code CLI, with tool rounds, a sub-agent and a change of the model, as the readers tell it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude import CLAUDE, claude
from tests.e2e.proxy import running, scrubbed_environment
from tests.upstream import serving

pytestmark = pytest.mark.skipif(not CLAUDE.is_file(), reason="this platform's claude-agent-sdk bundles no CLI")

TASK = "Count the lines of the file"


@dataclass(frozen=True)
class Session:
    """What the CLI has done, and where it was captured."""

    id: str
    store: Path
    home: Path
    note: Path

    def asked(self, *arguments: str) -> str:
        """What `mitmclaude` prints."""
        done = subprocess.run(
            [Path(sys.executable).with_name("mitmclaude"), *arguments, "--store", self.store],
            env=scrubbed_environment(self.home), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.stderr, done.returncode) == ("", 0)
        return done.stdout

    def json(self, command: str, *arguments: str) -> Any:
        return json.loads(self.asked(command, *arguments, "--json"))[command]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Three prompts of one session: the first with tools and a sub-agent, the third to another model."""
    folder = tmp_path_factory.mktemp("session")
    note = folder / "note.py"
    note.write_text("".join(f"price_{number} = {number}\n" for number in range(40)))
    with serving() as upstream, running(upstream.url, folder / "proxy") as proxy:
        upstream.default = ("agent_session", {"file": str(note), "prompt": TASK})
        allowed = ("--allowedTools", "Read,Bash,Agent", "--add-dir", str(folder))
        first = claude(upstream, proxy.port, folder, "Look at the note", *allowed)
        name = first.result["session_id"]
        claude(upstream, proxy.port, folder, "What did you find?", "--resume", name)
        claude(upstream, proxy.port, folder, "And another model?", "--resume", name, "--model", "sonnet")
    yield Session(name, proxy.store, folder / "reader", note)


def test_conversation(session: Session) -> None:
    """Each prompt stands once, in order; so do the tools, their results, and the sub-agent that was started."""
    told = session.json("conversation", session.id)
    (child,) = told["others"]
    assert child["prompt"] == TASK
    kinds = [entry["kind"] for entry in told["entries"]]
    assert set(kinds) <= {"message", "answer", "agent"}
    printed = session.asked("conversation", session.id)
    for prompt in ("Look at the note", "What did you find?", "And another model?", "First I read."):
        assert printed.count(prompt) == 1
    assert printed.index("Look at the note") < printed.index("⇢ agent") < printed.index("What did you find?")
    assert "→ Bash  command: echo one two" in printed
    assert "← Bash  one two" in printed
    assert f"→ Read  file_path: {session.note}" in session.asked("conversation", child["agent_id"])


def test_cache(session: Session) -> None:
    """All turns read what they can, but the one to another model."""
    told = session.json("cache", session.id)
    (miss,) = told["calls"]
    assert (miss["cause"], miss["certainty"]) == ("model", "certain")
    assert miss["detail"] == "claude-opus-5-5 → claude-sonnet-5-5"
    assert miss["missed"] > 10_000
    everything = session.json("cache", session.id, "--all")["calls"]
    assert {call["cause"] for call in everything} == {"first", "hit", "model"}
    assert sum(call["cause"] == "first" for call in everything) == 2


def test_context(session: Session) -> None:
    """The tools that the client offers, the results by tool, and the file that was read twice."""
    told = session.json("context", "last")
    assert told["is_counted"]
    tools = {part["name"] for part in told["parts"] if part["group"] == "tools"}
    assert {"Agent", "Bash", "Edit", "Read", "Write"} <= tools
    assert "DeferredToolPlaceholder" not in tools
    assert {part["name"] for part in told["parts"] if part["group"] == "results"} == {"Read", "Bash", "Agent"}
    assert [(again["path"], again["times"]) for again in told["again"]] == [(str(session.note), 2)]
    assert abs(sum(part["tokens"] for part in told["parts"]) - told["total"]) <= len(told["parts"])


def test_diff(session: Session) -> None:
    """The last two calls differ in their model and by what was said."""
    told = session.json("diff", "-2", "last")
    changes = [(change["section"], change["kind"], change["label"].partition(",")[0]) for change in told["changes"]]
    assert ("settings", "edited", "model") in changes
    assert {kind for section, kind, _ in changes if section == "messages"} == {"added"}
    assert not [change for change in changes if change[0] in ("system", "tools")]
    assert "~ claude-[-opus-]{+sonnet+}-5-5" in session.asked("diff", "-2", "last")


def test_show(session: Session) -> None:
    """A call of it: the prompt, the answer, the usage."""
    printed = session.asked("show", "last")
    assert "And another model?" in printed
    assert "[SESSION-OK]" in printed
    assert json.loads(session.asked("show", "last", "--request"))["model"] == "claude-sonnet-5-5"
