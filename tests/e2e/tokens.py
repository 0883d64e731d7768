"""Tokens, and calls with them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.proxy import Proxy
from tests.e2e.wire import Answer, call

BODY = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).encode()


def token(*arguments: str, tokens: Path) -> str:
    """Run `mitmclaude token …` as a user does; what it prints."""
    command = Path(sys.executable).with_name("mitmclaude")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tokens.parent), "CLAUDE_TOKENS": f"file:{tokens}"}
    return subprocess.run(
        [command, "token", *arguments], env=environment, capture_output=True, text=True, check=True, timeout=30
    ).stdout


def ask(proxy: Proxy, headers: dict[str, str], path: str = "/v1/messages", body: bytes = BODY, method: str = "POST") -> Answer:  # fmt: skip
    return call(proxy.port, method, path, list(headers.items()), body)
