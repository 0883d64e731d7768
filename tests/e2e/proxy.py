"""A real `mitmdump` in a process of its own, and what it left behind: output, records, flows."""

import contextlib
import gzip
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mitmproxy import http
from mitmproxy.io import FlowReader

from mitmclaude.record import rawflow

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "addons" / "claude.py"
MITMDUMP = Path(sys.executable).parent / "mitmdump"
START_LIMIT = 30  # seconds; a first start compiles every module
FAILED = "Error logged during startup"
LISTENING = re.compile(r"listening at .*?:(\d+)")

Record = dict[str, Any]


def scrubbed_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment that holds nothing of ours: its own HOME, and no variable of any client or proxy."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", **more}


class Proxy:
    """One running mitmdump; made by `running`."""

    def __init__(self, command: list[str], environment: dict[str, str], store: Path) -> None:
        self.store = store
        self.port = 0
        self._output: list[str] = []
        self._grown = threading.Condition()
        self._claimed: set[str] = set()
        self.process = subprocess.Popen(
            command, env=environment, cwd=environment["HOME"], text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._grown:
                self._output.append(line)
                self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """All that it printed so far, on both streams."""
        return "".join(self._output)

    def wait_output(self, pattern: str, timeout: float = 5) -> re.Match[str]:
        """Block until the output matches; AssertionError when it ends or takes too long."""
        with self._grown:
            self._grown.wait_for(lambda: re.search(pattern, self.output) or not self._reader.is_alive(), timeout)
        if not (found := re.search(pattern, self.output)):
            raise AssertionError(f"no {pattern!r} in the output of mitmdump:\n{self.output}")
        return found

    def wait_ready(self) -> None:
        """Block until it serves; AssertionError when it does not start.

        mitmproxy listens before it has looked at errors of its start, so that one connection has to be served first.
        """
        self.port = int(self.wait_output(LISTENING.pattern, START_LIMIT)[1])
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port), 10) as probe:
            probe.shutdown(socket.SHUT_WR)
            probe.recv(1)
        if FAILED in self.output or self.process.poll() is not None:
            self.process.wait(10)
            raise AssertionError(f"mitmdump did not start:\n{self.output}")

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit code; every byte of its output has been read then."""
        if self.process.poll() is None:
            self.process.send_signal(sent)
        try:
            code = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"mitmdump did not stop:\n{self.output}") from None
        self._reader.join(5)
        return code

    # -- what it stored

    def files(self, kind: str) -> list[Path]:
        """Stored objects, `kind` being records or flows, oldest first."""
        return sorted(p for p in (self.store / kind).glob("date=*/*") if p.suffix in (".json", ".mitm", ".gz", ".zst"))

    def records(self, count: int = 1, timeout: float = 5) -> list[Record]:
        """The records that no earlier call returned: waits for `count` and fails on any other number."""
        deadline = time.monotonic() + timeout
        while len(new := [p for p in self.files("records") if p.name not in self._claimed]) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(new)} of {count} records after {timeout} s\n{self.output[-2000:]}")
            time.sleep(0.01)
        self._claimed.update(p.name for p in new)
        records = [json.loads(decompressed(p)) for p in new]
        assert len(records) == count, [(r["request"]["path"], r["outcome"]) for r in records]
        return records

    def record(self, timeout: float = 5) -> Record:
        """The one record that no earlier call returned."""
        return self.records(1, timeout)[0]

    def forget(self) -> None:
        """Count every record that is there as read."""
        self._claimed.update(p.name for p in self.files("records"))

    def flow(self, record: Record) -> http.HTTPFlow:
        """The raw flow that belongs to a record, read by mitmproxy itself."""
        (flow,) = FlowReader(io.BytesIO(decompressed(self.store / record["flow"]))).stream()
        assert isinstance(flow, http.HTTPFlow)
        return flow


def decompressed(path: Path) -> bytes:
    raw = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(raw)
        case ".zst":
            return rawflow.decompressed(raw)
        case _:
            return raw


@contextlib.contextmanager
def running(
    upstream: str, folder: Path, *options: str, script: Path | None = None, **environment: str
) -> Iterator[Proxy]:
    """A proxy in front of `upstream`, listening when the block starts; `options` are more arguments of mitmdump."""
    store = folder / "captures"
    command = [
        str(MITMDUMP), "-s", str(script or SCRIPT), "--mode", f"reverse:{upstream}@127.0.0.1:0",
        "--set", f"confdir={folder / 'conf'}", "--set", f"claude_store={store}", *options,
    ]  # fmt: skip
    proxy = Proxy(command, scrubbed_environment(folder / "home", **environment), store)
    try:
        proxy.wait_ready()
        yield proxy
    finally:
        proxy.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
