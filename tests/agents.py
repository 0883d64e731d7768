"""An upstream that plays a whole session of Claude Code: tools, a sub-agent, and the usage of a model of the cache."""

import time
from typing import Any

from tests.library.model import PromptCache
from tests.scenarios import Answer, Ask, Json, events_of, frame, message, sse, whole_json

CACHES: dict[str, PromptCache] = {}
"""By session."""


def agent_session(ask: Ask, file: str = "/tmp/none", prompt: str = "Count the lines of the file") -> Answer:
    """Reads a file and lists a folder, lets a sub-agent look as well, reads the file again, and ends."""
    body = ask.payload
    content, stop = _content(ask, body, file, prompt)
    whole = message(content, stop_reason=stop)
    cache = CACHES.setdefault(ask.header("x-claude-code-session-id"), PromptCache())
    whole["usage"] |= {**cache.call(body, time.monotonic(), 0.0), "output_tokens": 40}
    if not ask.streams:
        return whole_json(whole)
    events = events_of(whole)
    events[-2]["usage"] = {"output_tokens": 40}
    return sse([frame(event) for event in events])


def _content(ask: Ask, body: Json, file: str, prompt: str) -> tuple[list[Json], str]:
    turn = sum(one["role"] == "assistant" for one in body["messages"])
    agent = ask.header("x-claude-code-agent-id")
    steps: list[list[Json]]
    if not body.get("tools"):
        steps = []
    elif agent:
        steps = [[_text("I look at the file."), _use(f"a{agent[:6]}", 0, "Read", file_path=file)]]
    else:
        asked: Json = {"description": "count lines", "prompt": prompt, "subagent_type": "general-purpose"}
        steps = [
            [
                _text("First I read."),
                _use("m", 0, "Read", file_path=file),
                _use("m", 1, "Bash", command="echo one two"),
            ],
            [_text("Somebody else shall look."), _use("m", 2, "Agent", **asked)],
            [_use("m", 3, "Read", file_path=file)],
        ]
    if turn < len(steps):
        return steps[turn], "tool_use"
    return [_text(f"Done after {turn} answers. [SESSION-OK]")], "end_turn"


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _use(whose: str, number: int, name: str, **given: Any) -> Json:
    return {"type": "tool_use", "id": f"toolu_01Fake{whose}{number:04}", "name": name, "input": given}
