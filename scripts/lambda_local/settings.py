"""The configuration of one function, and the environment variables that come of it.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

import datetime as dt
import random
import socket
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PORTS = range(20_000, 32_000)  # below those that the kernel gives to clients


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One function and how its platform behaves. Times in seconds, memory in MB."""

    command: tuple[str, ...] = ()
    adapter: Path | None = None
    image: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    docker_args: tuple[str, ...] = ()
    name: str = "local"
    region: str = "us-east-1"
    memory: int = 1024
    timeout: float = 60.0
    init_timeout: float = 10.0
    concurrency: int = 10
    idle: float = 300.0
    warm: int = 0
    url_port: int = 0
    strict_empty: bool = True
    throttle: bool = False

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:123456789012:function:{self.name}"


def variables(settings: Settings, api: str, port: int) -> dict[str, str]:
    """What Lambda sets in each environment, then the function's own; `api` is the host:port of its Runtime API."""
    stream = f"{dt.datetime.now(dt.UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
    given = {
        "AWS_LAMBDA_FUNCTION_NAME": settings.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_LWA_PORT": str(port),
        "PORT": str(port),
        "TZ": ":UTC",
    }
    own = {name: value.replace("{port}", str(port)) for name, value in settings.env.items()}
    return given | own


def with_port(words: Iterable[str], port: int) -> list[str]:
    """A command with `{port}` filled in: environments of one machine share its ports, so each has its own."""
    return [word.replace("{port}", str(port)) for word in words]


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on just now."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port found in {PORTS}")
