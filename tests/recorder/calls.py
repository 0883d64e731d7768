"""Messages of made-up calls, and a recorder that runs on a directory."""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mitmproxy.test import tflow

from mitmclaude.exchange import End, Marks
from mitmclaude.headers import Headers
from mitmclaude.recorder.apart import Apart
from mitmclaude.recorder.inline import Inline
from mitmclaude.recorder.messages import Came, Ended, Logged, Message, Opened, Reply, Stored, Stores
from mitmclaude.recorder.protocol import Recorder
from mitmclaude.stores.open import open_keeper

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SSE = (Path(__file__).parents[1] / "fixtures/responses/text.sse").read_bytes()
STREAM: Headers = ((b"content-type", b"text/event-stream"), (b"request-id", b"req_1"))
SENT: Headers = ((b"content-type", b"application/json"), (b"user-agent", b"claude-cli/2.1.330"))


def body(text: str = "hello") -> bytes:
    asked = {"model": "claude-opus-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": text}]}
    return json.dumps(asked).encode()


def state() -> dict[str, Any]:
    """Of a flow, without the contents of its messages."""
    made: dict[str, Any] = tflow.tflow(resp=True).get_state()
    for part, headers in (("request", SENT), ("response", STREAM)):
        made[part] |= {"content": None, "headers": headers}
    return made


def opened(number: int = 0, content: bytes = body(), **more: Any) -> Opened:
    fields = {
        "id": f"0193a1b2-{number:04x}-7000-8000-000000000000",
        "started_at": AT,
        "began": 100.0,
        "endpoint": "messages",
        "method": "POST",
        "path": "/v1/messages",
        "headers": SENT,
        "body": content,
        "state": state()["request"],
        "capture": "redacted",
    }
    return Opened(**{**fields, **more})


def came(opening: Opened, content: bytes = SSE, size: int = 200) -> Came:
    pieces = [(100.5 + start / 1e6, content[start : start + size]) for start in range(0, len(content), size)]
    return Came(opening.id, pieces, 200, STREAM)


def ended(opening: Opened, end: End = "answered", **more: Any) -> Ended:
    marks = Marks(0.01, 0.4, 0.5, 0.9, None, 1.0)
    return Ended(opening.id, end, marks, state(), 200, STREAM, went_upstream=True, **more)


def call(number: int = 0, content: bytes = body()) -> list[Message]:
    """All messages of a call that came to its end."""
    opening = opened(number, content)
    return [opening, came(opening), ended(opening)]


class Running:
    """A recorder on a directory, with the replies so far."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.replies: list[Reply] = []
        self.recorder = self._made(kind)
        self.recorder.start()

    def _made(self, kind: str) -> Recorder:
        store, spool = str(self.folder / "store"), str(self.folder / "spool")

        def inline() -> Recorder:
            return Inline(open_keeper(store, spool, os.environ), self.replies.append)

        return inline() if kind == "inline" else Apart(Stores(store, spool), self.replies.append, inline)

    def send(self, *messages: Message) -> None:
        for message in messages:
            self.recorder.send(message)

    @property
    def stored(self) -> list[Stored]:
        return [reply for reply in self.replies if isinstance(reply, Stored)]

    @property
    def logged(self) -> str:
        return "\n".join(reply.text for reply in self.replies if isinstance(reply, Logged))

    async def until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def all_stored(self, count: int, seconds: float = 30) -> None:
        await self.until(lambda: len(self.stored) >= count, seconds)

    def records(self) -> list[dict[str, Any]]:
        paths = sorted((self.folder / "store" / "records").glob("date=*/*.json"))
        return [json.loads(path.read_bytes()) for path in paths]

    def flows(self) -> list[Path]:
        return sorted((self.folder / "store" / "flows").glob("date=*/*"))
