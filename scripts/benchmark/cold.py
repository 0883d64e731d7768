"""The start of the built image: a bare mitmdump in it, ours with a store in memory, ours with S3 and DynamoDB."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3

from mitmclaude.stores.table import TABLE

AWS = {
    "AWS_ACCESS_KEY_ID": "fake",
    "AWS_SECRET_ACCESS_KEY": "fake",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def bare(image: str, upstream: str, script: Path, port: int) -> list[str]:
    """The command that starts a bare mitmdump in the image."""
    mode = f"reverse:{upstream}@127.0.0.1:{port}"
    options = ["--set", "confdir=/tmp/conf", "--set", "connection_strategy=lazy", "-s", "/stream_only.py"]
    return [*_docker("-v", f"{script}:/stream_only.py:ro", "--entrypoint", "mitmdump"), image, "--mode", mode, *options]


def ours(image: str, upstream: str, port: int, **environment: str) -> list[str]:
    """The command that starts the image as it is."""
    given = {"CLAUDE_AUTH": "none", "CLAUDE_UPSTREAM": upstream, "AWS_LWA_PORT": str(port), **environment}
    return [*_docker(*(part for item in given.items() for part in ("-e", "=".join(item)))), image]


def _docker(*options: str) -> Sequence[str]:
    return ["docker", "run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp", *options]  # noqa: S108


@contextlib.contextmanager
def aws() -> Iterator[dict[str, str]]:
    """S3 and DynamoDB on loopback; the environment that makes the image keep there."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}) as process:
        try:
            _wait(port)
            keys = {"aws_access_key_id": "fake", "aws_secret_access_key": "fake", "region_name": "us-east-1"}
            boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket="captures")
            boto3.client("dynamodb", endpoint_url=url, **keys).create_table(TableName="calls", **TABLE)
            yield {**AWS, "AWS_ENDPOINT_URL": url, "CLAUDE_STORE": "s3://captures,dynamodb://calls"}
        finally:
            process.terminate()


def _wait(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("moto_server does not answer")
