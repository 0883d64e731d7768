"""A store with records and raw flows, and the command `mitmclaude` as a user runs it."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from mitmclaude.exchange import Exchange, Marks, Request, Response
from mitmclaude.ids import uuid7
from mitmclaude.record import build
from mitmclaude.record.record import Record, flow_key, record_key, to_json
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session
from mitmclaude.request.summary import summarise
from mitmclaude.stores.file import FileStore
from tests.record.made import body

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SESSIONS = ("aaaa1111-0000", "bbbb2222-0000")

type Run = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Stored:
    """A directory with records and flows, by number, oldest first."""

    root: Path
    ids: list[str]

    def record(self, number: int) -> Path:
        return self.root / record_key(self.ids[number], AT)

    def flow(self, number: int) -> Path:
        return self.root / flow_key(self.ids[number], AT)


def record(number: int, words: str = "hello") -> Record:
    """A record of the day of `AT`, a second later each, of two sessions in turn."""
    at = AT + timedelta(milliseconds=number)
    made = uuid7(int(at.timestamp() * 1000), number.to_bytes(10, "big"))
    asked = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": words}]}
    request = Request("POST", "/v1/messages", ((b"user-agent", b"claude-cli/2.1.330"),), body(b"{}"))
    answer = Response(200, (), body(b'{"type":"message","content":[{"type":"text","text":"hi"}]}'))
    exchange = Exchange(made, at, "messages", request, answer, "answered", Marks(end=1.0), flow_key=flow_key(made, at))
    return build.record(exchange, summarise(asked), Session(SESSIONS[number % 2]), "redacted", Redactor())


def flow() -> bytes:
    """A raw flow, compressed as it is stored."""
    file = io.BytesIO()
    FlowWriter(file).add(tflow.tflow(resp=True))
    return zstandard.compress(file.getvalue())


def stored_in(root: Path, count: int) -> Stored:
    """A store with `count` records and flows."""
    store, raw = FileStore(root), flow()
    records = [record(number) for number in range(count)]
    for made in records:
        store.put(record_key(made.id, AT), to_json(made))
        store.put(flow_key(made.id, AT), raw)
    return Stored(root, [made.id for made in records])


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """A store with six records and flows."""
    return stored_in(tmp_path / "store", 6)


@pytest.fixture
def mitmclaude(tmp_path: Path) -> Run:
    """Runs the command in a directory and a home of its own; arguments by name are environment variables."""

    def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "home").mkdir(exist_ok=True)
        return subprocess.run(
            [Path(sys.executable).with_name("mitmclaude"), *map(str, arguments)],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8", "TZ": "UTC", **environment},
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    return run
