"""The captures of a real Claude Code session with a sub-agent, asked by the commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude import CLAUDE, claude
from tests.e2e.proxy import Proxy
from tests.upstream import Upstream

pytestmark = pytest.mark.skipif(not CLAUDE.is_file(), reason="this platform's claude-agent-sdk bundles no CLI")


def asked(proxy: Proxy, home: Path, *arguments: str) -> Any:
    """What a command prints with --json."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    command = [str(Path(sys.executable).with_name("mitmclaude")), *arguments, "--json", "--store", str(proxy.store)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_session_with_a_sub_agent(proxy: Proxy, upstream: Upstream, tmp_path: Path) -> None:
    """It has its prompt as title, its agents as a tree, and all that was said can be found."""
    agent: Any = {"description": "look", "prompt": "find the quokka", "subagent_type": "general-purpose"}
    upstream.plan("text_tool_use", tool="Agent", run_in_background=False, **agent)
    ended = claude(upstream, proxy.port, tmp_path, "count the wombats")
    session = ended.result["session_id"]
    proxy.records(len(ended.requests))
    (listed,) = asked(proxy, tmp_path, "sessions", "--session", session)["sessions"]
    assert listed["title"] == "count the wombats"
    assert listed["calls"] == len(ended.requests)
    assert listed["agents"] == 2
    assert listed["turns"] == 1
    (main,) = asked(proxy, tmp_path, "sessions", session)["session"]["agents"]
    assert main["agents"][0]["agent_id"]
    assert main["total"]["calls"] == len(main["calls"]) + len(main["agents"][0]["calls"]) == len(ended.requests)
    hits = asked(proxy, tmp_path, "search", "the quokka", "--in", "prompt", "--session", session)["hits"]
    assert {hit["agent_id"] for hit in hits} == {main["agents"][0]["agent_id"]}
    rows = asked(proxy, tmp_path, "report", "--by", "session", "--session", session)["report"]["rows"]
    assert [row["cost_usd"] for row in rows] == [listed["cost_usd"]]
