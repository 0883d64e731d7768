"""Stores that fail under the whole proxy: what clients get, and that each call has its record."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.proxy import MITMDUMP, SCRIPT, Proxy, scrubbed_environment
from tests.e2e.wire import Answer, call
from tests.faults.conftest import AWS
from tests.faults.endpoint import Endpoint, Fault
from tests.upstream import Upstream
from tests.upstream import serving as upstream_serving

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

CALLS = 8
HEADERS = [("content-type", "application/json"), ("x-api-key", "sk-ant-" + "api03-fake"), ("x-scenario", "text")]
BODY = json.dumps(
    {"model": "claude-opus-5-5", "max_tokens": 64, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
).encode()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with upstream_serving() as upstream:
        yield upstream


def command(upstream: Upstream, folder: Path) -> list[str]:
    options = ["--set", f"confdir={folder / 'conf'}", "--set", "connection_strategy=lazy"]
    return [str(MITMDUMP), "-s", str(SCRIPT), "--mode", f"reverse:{upstream.url}@127.0.0.1:0", *options]


def environment(endpoint: Endpoint, folder: Path) -> dict[str, str]:
    ours = {"CLAUDE_STORE": "s3://bucket,dynamodb://table", "CLAUDE_SPOOL": str(folder / "spool")}
    return scrubbed_environment(folder / "home", **AWS, AWS_ENDPOINT_URL=endpoint.url, **ours)


@contextmanager
def running(endpoint: Endpoint, upstream: Upstream, folder: Path) -> Iterator[Proxy]:
    proxy = Proxy(command(upstream, folder), environment(endpoint, folder), folder)
    try:
        proxy.wait_ready()
        yield proxy
    finally:
        proxy.stop()


def ask(proxy: Proxy, count: int = CALLS) -> list[Answer]:
    """As many calls at once; the answers."""
    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(call, proxy.port, "POST", "/v1/messages", HEADERS, BODY) for _ in range(count)]
        return [each.result() for each in asked]


def assert_whole(answers: list[Answer]) -> None:
    assert {(answer.status, answer.whole, answer.body[-20:].endswith(b"\n\n")) for answer in answers} == {(200, True, True)}  # fmt: skip
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.parametrize("fault", ["500", "throttle", "hang"])
def test_fault_from_the_start(endpoint: Endpoint, upstream: Upstream, tmp_path: Path, fault: Fault) -> None:
    """The proxy starts all the same and answers at once; with the stores back at the end, they get every record."""
    endpoint.fault = fault
    with running(endpoint, upstream, tmp_path) as proxy:
        assert "is spooled until it is back" in proxy.output
        began = time.monotonic()
        assert_whole(ask(proxy))
        assert time.monotonic() - began < 5
        assert endpoint.keys("records/") == set()
        endpoint.fault = "none"
        began = time.monotonic()
        assert proxy.stop() == 0
        assert time.monotonic() - began < 10
    assert len(endpoint.keys("records/")) == len(endpoint.keys("flows/")) == CALLS
    assert endpoint.keys("records/") == {key for key in endpoint.items if key.startswith("records/")}


def test_silent_until_the_end(endpoint: Endpoint, upstream: Upstream, tmp_path: Path) -> None:
    """Stores that fall silent amid calls hold the first ends for some seconds, and the end of the process as well."""
    with running(endpoint, upstream, tmp_path) as proxy:
        assert_whole(ask(proxy))
        endpoint.fault = "hang"
        began = time.monotonic()
        assert_whole(ask(proxy))
        assert time.monotonic() - began < 15
        began = time.monotonic()
        assert_whole(ask(proxy))
        assert time.monotonic() - began < 5, "nobody waits for them again"
        began = time.monotonic()
        assert proxy.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 10
    spooled = list((tmp_path / "spool").glob("*/records/*/*.json"))
    assert len(endpoint.keys("records/")) == CALLS
    assert len(spooled) == 2 * 2 * CALLS


@pytest.mark.parametrize(("fault", "told"), [("missing", "there is no such bucket"), ("denied", "these credentials do not allow it")])  # fmt: skip
def test_what_will_not_mend_stops_the_start(
    endpoint: Endpoint, upstream: Upstream, tmp_path: Path, fault: Fault, told: str
) -> None:
    """A wrong bucket or role gives one clear line and a non-zero exit."""
    endpoint.fault = fault
    done = subprocess.run(
        command(upstream, tmp_path), env=environment(endpoint, tmp_path), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("mitmclaude: claude_store: s3://bucket: PutObject: ")
    assert told in line
