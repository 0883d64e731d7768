"""One small secret by its URL: ``file:PATH``, ``env:NAME``, ``secretsmanager:ID`` or ``ssm:NAME``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mitmclaude.stores import aws

LARGEST = 1024 * 1024
"""Bytes of a secret that are read; Secrets Manager holds 64 KB."""


class Secret(NamedTuple):
    """Both raise OSError, in one line, where the place fails; `write` raises ValueError where it never can."""

    url: str
    read: Callable[[], bytes]
    write: Callable[[bytes], None]


def open_secret(url: str) -> Secret:
    """The secret at `url`; ValueError where that names no kind of place, OSError where its client cannot be made."""
    kind, colon, name = url.partition(":")
    if not colon or not name or kind not in _KINDS:
        raise ValueError("wanted file:PATH, env:NAME, secretsmanager:ID or ssm:NAME")  # it may be the secret itself
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
    with aws.told(name):
        client = aws.client("secretsmanager", {})

    def read() -> bytes:
        with aws.told(name):
            text: str = client.get_secret_value(SecretId=name)["SecretString"]
        return text.encode()

    def write(content: bytes) -> None:
        with aws.told(name):
            client.put_secret_value(SecretId=name, SecretString=content.decode())

    return read, write


def _ssm(name: str) -> _Place:
    with aws.told(name):
        client = aws.client("ssm", {})

    def read() -> bytes:
        with aws.told(name):
            text: str = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        return text.encode()

    def write(content: bytes) -> None:
        text, kind = content.decode(), "SecureString"
        with aws.told(name):
            client.put_parameter(Name=name, Value=text, Type=kind, Overwrite=True, Tier="Intelligent-Tiering")

    return read, write


_KINDS: dict[str, Callable[[str], _Place]] = {
    "file": _file,
    "env": _env,
    "secretsmanager": _secretsmanager,
    "ssm": _ssm,
}
