"""A process that is killed at any moment leaves only whole objects, and loses no answer whose end a client saw."""

import json
import signal
import threading
from pathlib import Path

import orjson

from mitmclaude.record.record import Record
from tests.e2e.proxy import decompressed, running
from tests.e2e.wire import call
from tests.upstream import serving

BODY = json.dumps(
    {"model": "claude-opus-5-5", "max_tokens": 64, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
).encode()
CLIENTS = 8


def test_kill_under_load(tmp_path: Path) -> None:
    """SIGKILL while eight clients call: every stored object is whole, every answer seen to its end has its record."""
    seen: list[str] = []
    stop = threading.Event()
    enough = threading.Semaphore(0)

    def work(port: int, number: int) -> None:
        count = 0
        while not stop.is_set():
            count += 1
            session = f"{number}-{count}"
            headers = [("content-type", "application/json"), ("x-claude-code-session-id", session)]
            try:
                answer = call(port, "POST", "/v1/messages", headers, BODY)
            except OSError:
                return
            if not answer.whole:
                return
            seen.append(session)
            enough.release()

    with serving() as upstream, running(upstream.url, tmp_path) as proxy:
        threads = [threading.Thread(target=work, args=(proxy.port, number)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for _ in range(150):
            assert enough.acquire(timeout=30)
        proxy.stop(signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join(30)
        stored = [Record.model_validate_json(path.read_bytes()) for path in proxy.files("records")]
        assert set(seen) <= {record.session_id for record in stored}
        for record in stored:
            if record.outcome == "shutdown":  # it was under way: the recorder has what had come of it
                assert record.errors[0].startswith("the proxy was killed")
                continue
            assert record.flow is not None
            assert proxy.flow(orjson.loads(record.model_dump_json())).request.content == BODY
        assert all(decompressed(path) for path in proxy.files("flows"))
