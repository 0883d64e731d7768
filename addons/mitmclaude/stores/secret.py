"""One small secret by its URL: ``file:PATH``, ``env:NAME``, ``secretsmanager:ID`` or ``ssm:NAME``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

LARGEST = 1024 * 1024
"""Bytes of a secret that are read; Secrets Manager holds 64 KB."""


class Secret(NamedTuple):
    """Both raise OSError, in one line, where the place fails; `write` raises ValueError where it never can."""

    url: str
    read: Callable[[], bytes]
    write: Callable[[bytes], None]


def open_secret(url: str) -> Secret:
    """The secret at `url`; ValueError where that names no kind of place. AWS clients are made here, once."""
    kind, colon, name = url.partition(":")
    if not colon or not name or kind not in _KINDS:
        raise ValueError(f"wanted file:PATH, env:NAME, secretsmanager:ID or ssm:NAME, found {url[:80]!r}")
    read, write = _KINDS[kind](name)
    return Secret(url, read, write)


type _Place = tuple[Callable[[], bytes], Callable[[bytes], None]]


def _file(name: str) -> _Place:
    path = Path(name).expanduser()

    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(LARGEST)

    def write(content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        with open(aside, "xb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(content)
        aside.replace(path)

    return read, write


def _env(name: str) -> _Place:
    def read() -> bytes:
        if name not in os.environ:
            raise OSError(f"no environment variable {name}")
        return os.environ[name].encode()

    def write(_content: bytes) -> None:
        raise ValueError(f"cannot write to the environment variable {name}: use file:, secretsmanager: or ssm:")

    return read, write


def _secretsmanager(name: str) -> _Place:
    client = _client("secretsmanager")
    return (
        _told(name, lambda: client.get_secret_value(SecretId=name)["SecretString"].encode()),
        _told(name, lambda content: client.put_secret_value(SecretId=name, SecretString=content.decode())),
    )


def _ssm(name: str) -> _Place:
    client = _client("ssm")
    return (
        _told(name, lambda: client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"].encode()),
        _told(
            name,
            lambda content: client.put_parameter(
                Name=name, Value=content.decode(), Type="SecureString", Overwrite=True, Tier="Intelligent-Tiering"
            ),
        ),
    )


def _client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(service, config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}))


def _told[**P, T](name: str, call: Callable[P, T]) -> Callable[P, T]:
    """`call` with the errors of AWS as OSError, which tell the secret's name and not its value."""

    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call(*args, **kwargs)
        except ClientError as error:
            raise OSError(f"{name}: {error.response.get('Error', {}).get('Code', 'error')}") from None
        except BotoCoreError as error:
            raise OSError(f"{name}: {type(error).__name__}") from None

    return told


_KINDS: dict[str, Callable[[str], _Place]] = {
    "file": _file,
    "env": _env,
    "secretsmanager": _secretsmanager,
    "ssm": _ssm,
}
