"""Secrets: read and written where their URL says, and never told in an error."""

import stat
from pathlib import Path

import boto3
import pytest

from mitmclaude.stores.secret import open_secret


def test_a_file(tmp_path: Path) -> None:
    """A file is written for its owner alone, and replaced whole."""
    path = tmp_path / "deep" / "tokens.json"
    secret = open_secret(f"file:{path}")
    with pytest.raises(FileNotFoundError):
        secret.read()
    for content in (b"first, and longer", b"second"):
        secret.write(content)
        assert secret.read() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable can be read; that it cannot be written is told."""
    secret = open_secret("env:SOME_SECRET")
    with pytest.raises(OSError, match="no environment variable SOME_SECRET"):
        secret.read()
    monkeypatch.setenv("SOME_SECRET", "x")
    assert secret.read() == b"x"
    with pytest.raises(ValueError, match="cannot write to the environment variable"):
        secret.write(b"y")


def test_secrets_manager(moto: str, credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of Secrets Manager is read and replaced; one that is not there is told by its name."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    boto3.client("secretsmanager").create_secret(Name="team/tokens", SecretString="first")
    secret = open_secret("secretsmanager:team/tokens")
    assert secret.read() == b"first"
    secret.write(b"second")
    assert open_secret("secretsmanager:team/tokens").read() == b"second"
    with pytest.raises(OSError, match="nowhere: GetSecretValue: ResourceNotFoundException"):
        open_secret("secretsmanager:nowhere").read()


def test_parameter_store(moto: str, credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter of SSM is written encrypted, read, and replaced."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    secret = open_secret("ssm:/team/tokens")
    for content in (b"first", b"second"):
        secret.write(content)
        assert secret.read() == content
    kind = boto3.client("ssm").get_parameter(Name="/team/tokens")["Parameter"]["Type"]
    assert kind == "SecureString"


@pytest.mark.parametrize("url", ["", "sk-ant-a-key-by-mistake", "vault:x", "file:", "env:"])
def test_other_places_are_told(url: str) -> None:
    """A wrong place is told without repeating it: it may be the secret itself."""
    with pytest.raises(ValueError) as caught:
        open_secret(url)
    assert str(caught.value) == "wanted file:PATH, env:NAME, secretsmanager:ID or ssm:NAME"
