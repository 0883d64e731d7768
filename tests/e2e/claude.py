"""The real Claude Code CLI, run in print mode."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import claude_agent_sdk

from tests.e2e.proxy import scrubbed_environment
from tests.upstream import Received, Upstream

CLAUDE = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
KEY = "sk-ant-fake-" + "0123456789abcdef" * 4
LIMIT = 60  # seconds for one run


@dataclass(frozen=True)
class Run:
    """One run of the CLI: exit code, what it printed as JSON, and the requests the upstream got of it."""

    code: int
    printed: list[dict[str, Any]]
    requests: list[Received]

    @property
    def result(self) -> dict[str, Any]:
        return self.printed[-1]


def claude(upstream: Upstream, port: int, folder: Path, *arguments: str, **environment: str) -> Run:
    """Run the CLI in print mode against a port, in a HOME and a working directory of its own."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    before = len(upstream.requests)
    settings = {
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        **environment,
    }
    ended = subprocess.run(
        [CLAUDE, "-p", *arguments, "--output-format", "stream-json", "--verbose"],
        env=scrubbed_environment(folder / "home", **settings), cwd=work, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=LIMIT, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert lines, f"the CLI printed nothing: {ended.returncode} {ended.stdout[-500:]} {ended.stderr[-2000:]}"
    return Run(ended.returncode, lines, upstream.requests[before:])
