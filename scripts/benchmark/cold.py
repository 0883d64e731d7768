"""The ways the built image starts: a bare mitmdump in it, ours with a memory store, ours with S3 and DynamoDB."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3

from mitmclaude.stores.table import TABLE

from .process import VoidError, free_port
from .ways import LAZY, STREAM_ONLY, Place, Way

BARE, MEMORY, AWS = "bare image", "memory", "aws"
KEYS = {"aws_access_key_id": "fake", "aws_secret_access_key": "fake", "region_name": "us-east-1"}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "fake",
    "AWS_SECRET_ACCESS_KEY": "fake",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def ways(image: str, aws: Mapping[str, str]) -> list[Way]:
    """How the image starts; `aws` is the environment that makes it keep in S3 and DynamoDB."""

    def bare(place: Place) -> list[str]:
        mode = ["--mode", f"reverse:{place.upstream}@127.0.0.1:{place.port}"]
        script = ["-v", f"{STREAM_ONLY}:/stream_only.py:ro", "--entrypoint", "mitmdump"]
        return [*_docker(*script), image, *mode, "--set", "confdir=/tmp/conf", *LAZY, "-s", "/stream_only.py"]

    def ours(place: Place, **more: str) -> list[str]:
        given = {"CLAUDE_AUTH": "none", "CLAUDE_UPSTREAM": place.upstream, "AWS_LWA_PORT": str(place.port), **more}
        return [*_docker(*(part for item in given.items() for part in ("-e", "=".join(item)))), image]

    return [
        Way(BARE, bare),
        Way(MEMORY, lambda place: ours(place, CLAUDE_STORE="memory:")),
        Way(AWS, lambda place: ours(place, **aws)),
    ]


def _docker(*options: str) -> list[str]:
    return ["docker", "run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp", *options]  # noqa: S108


@dataclass(frozen=True)
class Aws:
    """S3 and DynamoDB on loopback."""

    url: str

    @property
    def variables(self) -> dict[str, str]:
        return {**VARIABLES, "AWS_ENDPOINT_URL": self.url, "CLAUDE_STORE": "s3://captures,dynamodb://calls"}

    def make(self) -> None:
        boto3.client("s3", endpoint_url=self.url, **KEYS).create_bucket(Bucket="captures")
        boto3.client("dynamodb", endpoint_url=self.url, **KEYS).create_table(TableName="calls", **TABLE)

    def check(self, calls: int) -> None:
        """VoidError unless both hold one record for each call."""
        bucket = boto3.client("s3", endpoint_url=self.url, **KEYS)
        objects = bucket.list_objects_v2(Bucket="captures", Prefix="records/")["KeyCount"]
        table = boto3.client("dynamodb", endpoint_url=self.url, **KEYS)
        items = table.scan(TableName="calls", ProjectionExpression="#key", ExpressionAttributeNames={"#key": "key"})
        rows = sum(item["key"]["S"].startswith("records/") for item in items["Items"])
        if (objects, rows) != (calls, calls):
            raise VoidError(f"{calls} calls left {objects} records in S3 and {rows} in DynamoDB")


@contextlib.contextmanager
def aws() -> Iterator[Aws]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            made = Aws(f"http://127.0.0.1:{port}")
            made.make()
            yield made
        finally:
            process.terminate()


def _wait(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("moto_server does not answer")
