"""The Dockerfile builds everywhere and makes an image that runs everywhere; read, not built."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mitmproxy import options
from mitmproxy.tools.dump import DumpMaster

from mitmclaude import __version__
from mitmclaude.options import OPTIONS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "lambda_image"
TEXT = (FOLDER / "Dockerfile").read_text()
STEPS = [
    (word.upper(), rest)
    for word, _, rest in (
        line.partition(" ")
        for line in re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
        if line.strip()
    )
]
LAST_STAGE = STEPS[max(at for at, (word, _) in enumerate(STEPS) if word == "FROM") :]
ENV = dict(
    pair.split("=", 1) for word, rest in LAST_STAGE if word == "ENV" for pair in shlex.split(rest)
)  # fmt: skip


def steps(word: str) -> list[str]:
    return [rest for found, rest in STEPS if found == word]


def test_classic_builder() -> None:
    """Nothing that only BuildKit knows, and no ARG where neither builder expands it."""
    assert "<<" not in TEXT
    assert not TEXT.startswith("# syntax")
    for word, rest in STEPS:
        assert (
            not re.search(r"--(mount|link|chmod|network|security|parents|exclude)\b", rest.split(" -- ")[0])
            or word == "RUN"
        )
        if word == "RUN":
            assert "--mount" not in rest
        if word == "COPY":
            assert not re.search(r"--(link|chmod|parents|exclude)\b|--from=\S*\$", rest)


def test_bases() -> None:
    """Both images can be replaced; by default they are of AWS's public registry, with versions."""
    arguments = dict(rest.split("=", 1) for rest in steps("ARG") if "=" in rest)
    assert re.fullmatch(r"public\.ecr\.aws/docker/library/python:3\.\d+-slim", arguments["BASE"])
    assert re.fullmatch(r"public\.ecr\.aws/awsguru/aws-lambda-adapter:\d+\.\d+\.\d+", arguments["ADAPTER"])
    assert steps("FROM") == ["${ADAPTER} AS adapter", "${BASE} AS build", "${BASE}"]


def test_locked() -> None:
    """The packages are those of uv.lock, by their hashes, and none of them runs code while it is installed."""
    runs = " ".join(steps("RUN"))
    assert "export --locked" in runs
    for option in ("--require-hashes", "--no-deps", "--only-binary=:all:"):
        assert option in runs
    assert re.search(r"install --quiet uv==\d+\.\d+\.\d+ ", runs)


def test_last_stage() -> None:
    """It installs nothing, has no secret, does not run as root, and its process gets the signals."""
    assert not [rest for word, rest in LAST_STAGE if word == "RUN" and "install" in rest]
    assert not [rest for word, rest in LAST_STAGE if word == "ADD"]
    assert [rest for word, rest in LAST_STAGE if word == "USER"] == ["1000:1000"]
    assert [rest for word, rest in LAST_STAGE if word in ("ENTRYPOINT", "CMD")] == ['["/opt/mitmclaude/start"]', "[]"]
    assert [rest for word, rest in LAST_STAGE if word == "EXPOSE"] == ["8082"]
    assert not re.search(r"BEGIN|sk-ant|mcl_|PASSWORD|SECRET", TEXT)
    assert any(rest.endswith("/opt/extensions/lambda-adapter") for word, rest in LAST_STAGE if word == "COPY")
    assert "org.opencontainers.image.version" in TEXT


def test_byte_code() -> None:
    """The packages, ours and the standard library are compiled, and not compared with their sources at the start."""
    compiled = [re.split(r"&&", rest) for rest in steps("RUN") if "compileall" in rest]
    commands = " ".join(part for parts in compiled for part in parts if "compileall" in part)
    assert commands.count("--invalidation-mode unchecked-hash") == 2
    for place in ("/opt/venv/lib", "/opt/mitmclaude/addons", '"$stdlib"'):
        assert place in commands
    assert ENV["PYTHONDONTWRITEBYTECODE"] == "1"


def test_environment() -> None:
    """The adapter speaks with mitmdump as the template wants, and logs no headers."""
    assert ENV["AWS_LWA_PORT"] == "8082"
    assert ENV["AWS_LWA_INVOKE_MODE"] == "response_stream"
    assert ENV["AWS_LWA_READINESS_CHECK_PATH"] == "/healthz"
    assert ENV["AWS_LWA_READINESS_CHECK_HEALTHY_STATUS"] == "200"
    assert ENV["AWS_LWA_POOL_IDLE_TIMEOUT_SECONDS"] == "0"
    assert ENV["AWS_LAMBDA_LOG_LEVEL"] == "INFO"
    assert ENV["RUST_LOG"] == "info"
    assert not ENV.keys() & {"PORT", "HOST"}  # the adapter would take them
    known = {f"CLAUDE_{option.name.upper()}" for option in OPTIONS}
    assert {name for name in ENV if name.startswith("CLAUDE_")} <= known
    assert ENV["CLAUDE_STORE"] == "/captures"


def test_command(tmp_path: Path) -> None:
    """The step that makes the command `mitmclaude`, which is on PATH, makes one that works."""
    (step,) = (rest for rest in steps("RUN") if "mitmclaude.cli" in rest)
    assert ">/opt/venv/bin/mitmclaude" in step
    assert ENV["PATH"].startswith("/opt/venv/bin:")
    command = tmp_path / "mitmclaude"
    step = step.replace("/opt/venv/bin/mitmclaude", str(command)).replace("/opt/mitmclaude", str(ROOT))
    subprocess.run(["sh", "-c", step.replace("/opt/venv/bin/python", sys.executable)], check=True)
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"mitmclaude {__version__}\n"


def config() -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load((FOLDER / "config.yaml").read_text())
    return loaded


async def test_config() -> None:
    """Its options exist in mitmproxy; none is ours, as that would win over the environment."""
    known = DumpMaster(options.Options()).options.keys()
    assert config().keys() <= set(known)
    assert not [name for name in config() if name.startswith("claude_")]
    assert config()["connection_strategy"] == "lazy"


def test_context() -> None:
    """The build sees what it copies, and neither captures nor tests nor the repository."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    shown = {line[1:] for line in lines if line.startswith("!")}
    copied = {word for rest in steps("COPY") if "--from" not in rest for word in rest.split()[:-1]}
    assert shown == copied
    assert all((ROOT / name).exists() for name in shown)


MITMDUMP = """#!/bin/sh
printf '%s\\n' "$@" >"$OUT/arguments"
exec cat "$OUT/mitmproxy/config.yaml" >"$OUT/config"
"""


@pytest.mark.parametrize(
    ("environment", "mode", "more"),
    [
        ({}, "reverse:https://api.anthropic.com", {}),
        ({"AWS_LWA_PORT": "9000"}, "reverse:https://api.anthropic.com", {"listen_port": 9000}),
        (
            {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"},
            "reverse:https://api.anthropic.com",
            {"listen_host": "127.0.0.1", "termlog_verbosity": "warn"},
        ),
        ({"CLAUDE_UPSTREAM": "http://gw:8080/team/a"}, "reverse:http://gw:8080", {}),
        ({"CLAUDE_UPSTREAM": "gw.example.com/a"}, "reverse:https://gw.example.com", {}),
    ],
)
def test_start(tmp_path: Path, environment: dict[str, str], mode: str, more: dict[str, object]) -> None:
    """It writes mitmproxy's configuration for the place into a folder of its own, and hands on its arguments."""
    mitmdump = tmp_path / "mitmdump"
    mitmdump.write_text(MITMDUMP)
    mitmdump.chmod(0o755)
    start = (FOLDER / "start").read_text()
    start = start.replace("/tmp/mitmproxy", f"{tmp_path}/mitmproxy").replace("/opt/mitmclaude", str(FOLDER))
    for _ in range(2):  # a container that is started again
        subprocess.run(
            ["sh", "-c", start, "start", "--set", "a b"], check=True, timeout=20,
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "OUT": str(tmp_path), **environment},
        )  # fmt: skip
    assert (tmp_path / "arguments").read_text().splitlines() == [
        "--set",
        f"confdir={tmp_path}/mitmproxy",
        "--set",
        "a b",
    ]
    written = yaml.safe_load((tmp_path / "config").read_text())
    elsewhere = {"listen_host": "0.0.0.0", "listen_port": 8082, "termlog_verbosity": "info"}
    assert written == {**config(), **elsewhere, "mode": [mode], **more}
    assert (tmp_path / "mitmproxy").stat().st_mode & 0o777 == 0o700
    assert re.search(r"^exec mitmdump ", start, re.MULTILINE)
