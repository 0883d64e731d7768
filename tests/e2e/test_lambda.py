"""The service on Lambda: real adapter, real mitmdump, S3 and DynamoDB over HTTP, a platform that freezes and kills.

Each test runs against processes and, where a container engine is present, against the built image.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from scripts.lambda_local import Local
from scripts.lambda_local import running as platform

from mitmclaude import auth
from mitmclaude.stores import Store, open_store
from mitmclaude.stores.table import TABLE
from tests.e2e.canaries import BODY as CANARIES
from tests.e2e.canaries import SECRETS
from tests.e2e.canaries import request_body as canary_body
from tests.e2e.claude import claude
from tests.e2e.proxy import ROOT, decompressed
from tests.e2e.wire import Answer, Client, call
from tests.upstream import Upstream, serving

pytestmark = pytest.mark.xdist_group("lambda")  # fifty environments leave nothing of two cores to a second worker

TOKEN = auth.new_token(b"\x07" * 32)
TOKENS = auth.dump(auth.added((), "ann", TOKEN, datetime(2026, 11, 22, tzinfo=UTC))).decode()
KEY = "sk-ant-" + "api03-" + "fake" * 20
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE",
    "AWS_SECRET_ACCESS_KEY": "fake" * 10,
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
ADAPTER = {
    "AWS_LWA_INVOKE_MODE": "response_stream",
    "AWS_LWA_READINESS_CHECK_PATH": "/healthz",
    "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "200",
    "AWS_LAMBDA_LOG_LEVEL": "INFO",
}
HEADERS = [("content-type", "application/json"), ("x-api-key", KEY), ("x-capture-token", TOKEN)]
REQUEST = {"model": "claude-opus-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}
STREAMING = json.dumps({**REQUEST, "stream": True}).encode()
PLAIN = json.dumps(REQUEST).encode()


class Moto:
    """A moto server that can go down and come back on the same port; what it held is lost then."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.05)
        settings = {"endpoint_url": self.url, "region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}  # fmt: skip
        boto3.client("s3", **settings).create_bucket(Bucket="captures")
        boto3.client("dynamodb", **settings).create_table(TableName="calls", **TABLE)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@dataclass
class Service:
    """The deployed service: its URL, its upstream, its stores."""

    local: Local
    upstream: Upstream
    moto: Moto
    folder: Path
    _seen: set[str] = field(default_factory=set)

    def ask(self, scenario: str = "text", body: bytes = STREAMING, **how: Any) -> Answer:
        headers = [*HEADERS, ("x-scenario", scenario)]
        return call(self.local.port, how.pop("method", "POST"), how.pop("path", "/v1/messages"), headers, body, **how)

    @contextmanager
    def store(self, kind: str = "s3://captures/team") -> Iterator[Store]:
        with mock.patch.dict(os.environ, {**AWS, "AWS_ENDPOINT_URL": self.moto.url}):
            yield open_store(kind)

    def records(self, count: int, kind: str = "s3://captures/team") -> list[dict[str, Any]]:
        """The new records in a store, at this moment: nothing is waited for."""
        with self.store(kind) as store:
            new = [key for key in store.keys("records/") if f"{kind} {key}" not in self._seen]
            self._seen |= {f"{kind} {key}" for key in new}
            found = [json.loads(store.get(key)) for key in new]
        assert len(found) == count, [record["outcome"] for record in found]
        return found

    def record(self) -> dict[str, Any]:
        """The one new record, which must be in both stores."""
        (record,) = self.records(1)
        assert self.records(1, "dynamodb://calls") == [record]
        return record


@pytest.fixture(scope="module", params=["processes", "image"])
def backend(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What runs: the processes, or the image that was built for the tests."""
    if request.param == "processes":
        return {"adapter": request.getfixturevalue("adapter_binary")}
    return {"image": request.getfixturevalue("built_image")}


@contextmanager
def deployed(
    backend: dict[str, Any], folder: Path, upstream: Upstream, moto: Moto, **settings: Any
) -> Iterator[Service]:
    env = {
        **AWS,
        **ADAPTER,
        "AWS_ENDPOINT_URL": moto.url,
        "CLAUDE_STORE": "s3://captures/team,dynamodb://calls",
        "CLAUDE_SPOOL": str(folder / "spool") if "adapter" in backend else "/tmp/spool",
        "CLAUDE_TOKENS": "env:TOKENS",
        "CLAUDE_LOG": "emf",
        "CLAUDE_UPSTREAM": upstream.url,
        "TOKENS": TOKENS,
        "HOME": str(folder) if "adapter" in backend else "/tmp",
    }
    command: list[str] = []
    if "adapter" in backend:
        command = [
            str(Path(sys.executable).with_name("mitmdump")), "-s", str(ROOT / "addons" / "claude.py"), "--set", "termlog_verbosity=warn",
            "--mode", f"reverse:{upstream.url}@127.0.0.1:{{port}}", "--set", f"confdir={folder}/conf-{{port}}",
        ]  # fmt: skip
    with platform(
        command, env=env, **{"timeout": 60.0, "init_timeout": 60.0, "warm": 1, **settings}, **backend
    ) as local:
        yield Service(local, upstream, moto, folder)


@pytest.fixture(scope="module")
def moto_server() -> Iterator[Moto]:
    moto = Moto()
    yield moto
    moto.stop()


@pytest.fixture(scope="module")
def shared(
    backend: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, upstream_server: Upstream, moto_server: Moto
) -> Iterator[Service]:
    with deployed(backend, tmp_path_factory.mktemp("lambda"), upstream_server, moto_server) as service:
        yield service


@pytest.fixture
def service(shared: Service, upstream: Upstream) -> Service:
    """The module's service; what earlier tests stored counts as read."""
    shared.local.wait_until_idle()
    for kind in ("s3://captures/team", "dynamodb://calls"):
        with shared.store(kind) as store:
            shared._seen |= {f"{kind} {key}" for key in store.keys("records/")}
    return shared


@pytest.mark.parametrize(
    ("scenario", "body", "outcome"),
    [
        ("text", STREAMING, "complete"),
        ("text", PLAIN, "complete"),
        ("sse_with_length", STREAMING, "complete"),
        ("encoded?coding=gzip", STREAMING, "complete"),
        ("error_529", STREAMING, "api_error"),
        ("error_mid_stream", STREAMING, "stream_error"),
        ("cut", STREAMING, "truncated"),
        ("cut_before_headers", STREAMING, "unreachable"),
        ("text", b'{"model": 5}', "rejected"),
    ],
)
def test_a_record_is_stored_before_the_freeze(service: Service, scenario: str, body: bytes, outcome: str) -> None:
    """Whatever the answer and its framing: when the client has seen its end the record is in both stores, whole."""
    service.ask(scenario, body)
    record = service.record()
    assert record["outcome"] == outcome
    assert record["principal"] == "ann"
    assert record["invocation"]["request_id"]
    assert record["invocation"]["source_ip"] == "127.0.0.1"
    assert record["invocation"]["deadline"] > record["started_at"]
    service.local.wait_until_idle()
    assert all(environment.frozen for environment in service.local.environments if environment.state == "idle")


def test_the_claude_code_cli(service: Service, tmp_path: Path) -> None:
    """The real CLI works through the URL, a tool round included, and each call has its record."""
    note = tmp_path / "note.txt"
    note.write_text("the-word-in-the-file\n")
    service.upstream.default = ("text_tool_use", {"tool": "Read", "file_path": str(note)})
    run = claude(
        service.upstream, service.local.port, tmp_path, "read the note", "--allowedTools", "Read",
        "--add-dir", str(tmp_path), ANTHROPIC_CUSTOM_HEADERS=f"x-capture-token: {TOKEN}",
    )  # fmt: skip
    assert run.result["result"] == "The tool answered. [TOOL-OK]"
    records = service.records(2)
    assert {record["session_id"] for record in records} == {run.result["session_id"]}
    assert all(record["outcome"] == "complete" and record["findings"] == [] for record in records)


def test_events_come_as_they_are_sent(service: Service) -> None:
    """Each event is at the client before upstream sends the next one."""
    with Client(service.local.port) as client:
        client.send("POST", "/v1/messages", [*HEADERS, ("x-scenario", "lockstep")], STREAMING)
        service.upstream.wait(lambda requests: len(requests) == 1)
        service.upstream.step()
        client.read_head()
        assert b"message_start" in client.read_until(b"\n\n")
        service.upstream.step()
        assert b"content_block_start" in client.read_until(b"content_block_start")
        service.upstream.step(100)
        assert b"message_stop" in client.read_until(b"message_stop")


@pytest.mark.parametrize("scenario", ["status_204", "status_304", "empty"])
def test_empty_answers_do_not_hang(service: Service, scenario: str) -> None:
    """An answer without a body gets one, as the platform would leave the client waiting else."""
    began = time.monotonic()
    answer = service.ask(scenario, PLAIN)
    assert answer.status == 200
    assert answer.body == b"\n"
    assert time.monotonic() - began < 10
    record = service.record()
    assert record["response"]["bytes"] == 0


def test_platform_headers_stay_here(service: Service) -> None:
    """Upstream sees none of the platform's and the adapter's headers, nor our token; the URL's host is not told."""
    service.ask()
    names = {name.decode().lower() for name, _ in service.upstream.requests[0].headers}
    assert not {name for name in names if name.startswith(("x-amz", "x-forwarded", "x-capture", "forwarded", "via"))}
    assert b"lambda-url" not in b"".join(value for _, value in service.upstream.requests[0].headers)


def test_strangers_and_health(service: Service) -> None:
    """Without a token there is 401; the readiness path answers and makes no record."""
    assert call(service.local.port, "POST", "/v1/messages", [], PLAIN).status == 401
    assert service.record()["outcome"] == "rejected"
    assert call(service.local.port, "GET", "/healthz", [], b"").body == b"ok\n"
    service.records(0)
    assert service.upstream.requests == []


def test_six_megabytes(service: Service) -> None:
    """A request over the platform's limit gets 413 from the platform; just below it passes."""
    large = json.dumps({**REQUEST, "messages": [{"role": "user", "content": "x" * 6_000_000}]}).encode()
    assert service.ask(body=large).status == 200
    assert service.record()["outcome"] == "complete"
    assert service.ask(body=large[:-40] + b"x" * 400_000 + large[-40:]).status == 413


def test_metrics(service: Service) -> None:
    """Each call writes one line of CloudWatch's embedded metrics."""
    service.ask()
    record = service.record()
    lines = [line.text for line in service.local.lines if record["id"] in line.text and '"_aws"' in line.text]
    assert len(lines) == 1
    said = json.loads(lines[0][lines[0].index("{") :])
    assert said["calls"] == 1
    assert said["principal"] == "ann"
    assert said["model"] == "claude-opus-5-5"
    assert {"model", "outcome"} <= set(said["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0])


def test_canaries(service: Service) -> None:
    """No secret of a call is in S3, DynamoDB, the logs or the spool."""
    call(service.local.port, "POST", "/v1/messages?api_key=" + SECRETS[0], HEADERS, canary_body())
    service.record()
    assert CANARIES
    haystack = service.local.logs.encode()
    for kind in ("s3://captures/team", "dynamodb://calls"):
        with service.store(kind) as store:
            for key in store.keys(""):
                content = store.get(key)
                path = service.folder / "look"
                path.write_bytes(content)
                haystack += decompressed(path.rename(path.with_suffix(".zst"))) if key.endswith(".zst") else content
    for path in service.folder.rglob("*"):
        if path.is_file() and "mitmproxy-" not in path.name:
            haystack += path.read_bytes()
    for secret in [SECRETS[0], *SECRETS[10:], KEY, TOKEN]:
        assert secret.encode() not in haystack, secret[:12]


def test_after_a_thaw_a_dead_upstream_costs_nothing(backend: dict[str, Any], tmp_path: Path, moto_server: Moto) -> None:
    """Upstream drops every connection while the environment is frozen: the next call works at once."""
    with serving() as upstream, deployed(backend, tmp_path, upstream, moto_server) as service:
        assert service.ask().status == 200
        service.local.wait_until_idle()
        assert service.ask().status == 200
        assert len({request.connection for request in upstream.requests}) == 2, "no connection is used twice"


def test_an_outage_of_s3(backend: dict[str, Any], tmp_path: Path, upstream_server: Upstream) -> None:
    """While S3 is down calls go on; their objects arrive when it is back."""
    moto = Moto()
    upstream_server.reset()
    try:
        with deployed(backend, tmp_path, upstream_server, moto) as service:
            assert service.ask().status == 200
            moto.stop()
            assert service.ask().status == 200
            service.local.wait_for("spooled records/")
            moto.start()
            time.sleep(6)
            assert service.ask("paced?events=20&delay=0.1").status == 200
            service.local.wait_for("sent [0-9]+ spooled objects")
            service.records(2)
    finally:
        moto.stop()


def test_the_deadline(backend: dict[str, Any], tmp_path: Path, upstream_server: Upstream, moto_server: Moto) -> None:
    """A call that the platform kills at its timeout has left a partial record."""
    upstream_server.reset()
    with deployed(backend, tmp_path, upstream_server, moto_server, timeout=8.0) as service:
        with service.store() as store:
            before = set(store.keys("records/"))
        answer = service.ask("paced?events=100&delay=0.2")
        assert not answer.whole
        with service.store() as store:
            (key,) = set(store.keys("records/")) - before
            record = json.loads(store.get(key))
    assert record["outcome"] == "shutdown"
    assert record["errors"] == ["partial: stored as the platform's deadline was near"]
    assert record["usage"]["input_tokens"] == 25
    assert record["response"]["message"]["content"][0]["text"]


def test_retirement(backend: dict[str, Any], tmp_path: Path, upstream_server: Upstream, moto_server: Moto) -> None:
    """An idle environment that is retired gets SIGTERM and leaves in time."""
    upstream_server.reset()
    with deployed(backend, tmp_path, upstream_server, moto_server) as service:
        assert service.ask().status == 200
        service.local.wait_until_idle()
        service.local.retire()
        assert "Traceback" not in service.local.logs
        assert "killed" not in service.local.logs.lower()


def test_fifty_streams(backend: dict[str, Any], tmp_path: Path, upstream_server: Upstream, moto_server: Moto) -> None:
    """Fifty streams at a time (ten of the image), each in an environment of its own: all come whole, each has its record."""
    streams = 50 if "adapter" in backend else 10  # of containers, which share two cores as well
    upstream_server.reset()
    settings = {"concurrency": streams, "warm": streams, "init_timeout": 180.0, "timeout": 120.0}
    with deployed(backend, tmp_path, upstream_server, moto_server, **settings) as service:
        with service.store() as store:
            before = len(list(store.keys("records/")))
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda: answers.append(service.ask("paced?events=20&delay=0.05")))
            for _ in range(streams)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status for answer in answers] == [200] * streams
        assert all(b"message_stop" in answer.body for answer in answers)
        with service.store() as store:
            assert len(list(store.keys("records/"))) - before == streams
