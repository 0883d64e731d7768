"""S3 and DynamoDB over HTTP on loopback: moto's server for what they do, a scripted one for when they fail."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest

from mitmclaude.stores.table import TABLE, TIME_TO_LIVE

ACCESS_KEY, SECRET_KEY, TOKEN = "AKIA" + "CANARY234567CNRY", "canary/" + "s3cr3t" * 5, "canary-" + "t0ken" * 9
CREDENTIALS = (ACCESS_KEY, SECRET_KEY, TOKEN)

_numbers = itertools.count()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The URL of a moto server in a process of its own."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "moto_server ended"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials that nobody has, and none of what the machine may have."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def s3_url(moto: str, credentials: None) -> str:
    """The URL of a store in an empty bucket."""
    bucket = f"bucket-{next(_numbers)}"
    boto3.client("s3", endpoint_url=moto).create_bucket(Bucket=bucket)
    return f"s3://{bucket}/team/a?endpoint={moto}"


@pytest.fixture
def dynamodb_url(moto: str, credentials: None) -> str:
    """The URL of a store in an empty table, with TTL on."""
    table = f"table-{next(_numbers)}"
    client = boto3.client("dynamodb", endpoint_url=moto)
    client.create_table(TableName=table, **TABLE)
    client.update_time_to_live(TableName=table, TimeToLiveSpecification=TIME_TO_LIVE)
    return f"dynamodb://{table}?endpoint={moto}"


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """A server that gives `answers` in order, status and body, and the last of them for ever."""

    url: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b"")])
    asked: list[Asked] = field(default_factory=list)


def aws_error(code: str) -> bytes:
    """An error document of S3 that quotes a credential, as a wicked endpoint might."""
    return f"<Error><Code>{code}</Code><Message>\nno: {SECRET_KEY}</Message></Error>".encode()


@pytest.fixture
def scripted(credentials: None) -> Iterator[Scripted]:
    """A server whose answers the test chooses."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append(Asked(self.command, self.path, headers, body))
            status, answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815  the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield script
    server.shutdown()
    server.server_close()
