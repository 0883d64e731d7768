"""AWS's own Runtime Interface Emulator, from the wheel of its SAM CLI, as a second opinion on what the platform does."""

import contextlib
import filecmp
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from scripts.lambda_local.settings import free_port

from tests.e2e.wire import Answer, call
from tests.lambda_local.adapter import CACHE, locked

SAM = "1.170.0"
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}
EXTENSIONS = Path("/opt/extensions")  # where the emulator looks, and nowhere else
INVOKE = "/2015-03-31/functions/function/invocations"


def emulator() -> Path:
    """The emulator's binary, fetched once; skips where this is not possible."""
    if sys.platform != "linux" or platform.machine() not in MACHINE:
        pytest.skip(f"no Runtime Interface Emulator for {sys.platform} {platform.machine()}")
    name = f"aws-lambda-rie-{MACHINE[platform.machine()]}"
    binary = CACHE / f"rie-{SAM}" / name
    with locked("rie"):
        if not binary.exists():
            _fetch(name, binary)
    return binary


def _fetch(name: str, binary: Path) -> None:
    own = Path(__file__).parents[2] / ".uv" / "bin" / "uv"
    uv = shutil.which("uv") or (
        str(own) if own.exists() else pytest.skip("no Runtime Interface Emulator: uv is missing")
    )
    folder = CACHE / f"sam-{SAM}-{os.getpid()}"
    command = [uv, "pip", "install", "-q", "--python", sys.executable, "--no-deps", "--target", str(folder)]
    try:
        got = subprocess.run([*command, f"aws-sam-cli=={SAM}"], capture_output=True, text=True)
        if got.returncode:
            pytest.skip(f"no Runtime Interface Emulator: aws-sam-cli could not be fetched: {got.stderr.strip()[-200:]}")
        binary.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / "samcli" / "local" / "rapid" / name, binary)
        binary.chmod(0o755)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def installed(adapter: Path) -> Iterator[None]:
    """The adapter at its place in /opt for the time of a `with`, and nothing left of it; one worker at a time."""
    target = EXTENSIONS / "lambda-adapter"
    with locked("opt"):
        made = not EXTENSIONS.exists()
        others = [] if made else [file for file in EXTENSIONS.iterdir() if file != target]
        if others or (target.exists() and not filecmp.cmp(adapter, target, shallow=False)):
            pytest.skip(f"{EXTENSIONS} is in use on this machine")  # what is ours is left of a run that was killed
        try:
            EXTENSIONS.mkdir(exist_ok=True)
            shutil.copy2(adapter, target)
        except OSError as e:
            pytest.skip(f"the Runtime Interface Emulator wants the adapter at {target}: {e}")
        try:
            yield
        finally:
            target.unlink()
            if made:
                EXTENSIONS.rmdir()


class Emulated:
    """A function under the emulator. It starts at the first call."""

    def __init__(self, port: int) -> None:
        self._port = port

    def invoke(self, event: bytes) -> Answer:
        return call(self._port, "POST", INVOKE, (), event)


@contextlib.contextmanager
def emulated(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Emulated]:
    """The emulator with `command` as runtime, `{port}` in it being the app's."""
    runtime_api, port, app = free_port(), free_port(), free_port()
    variables = {"PATH": os.environ["PATH"], "AWS_LWA_PORT": str(app), "AWS_LWA_INVOKE_MODE": "response_stream", **env}
    words = [str(emulator()), "--runtime-api-address", f"127.0.0.1:{runtime_api}"]
    words += ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    words += [word.replace("{port}", str(app)) for word in command]
    process = subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Emulated(port)
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(ConnectionError):
            call(port, "GET", "/")
            return
        time.sleep(0.05)
    raise TimeoutError("the Runtime Interface Emulator did not start")
