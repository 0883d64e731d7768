"""What several folders of tests share: the real Lambda Web Adapter and the built image, each made once a run."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Let one worker of a test run do what the others then find done."""
    with (Path(tempfile.gettempdir()) / f"mitmclaude-{os.getuid()}-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_by(*command: str | Path) -> str:
    """The last line that a script of ours prints, which names what it made."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def adapter_binary() -> Path:
    """The real Lambda Web Adapter, built from its published crate."""
    if shutil.which("cargo") is None:
        pytest.skip("no cargo here: the real Lambda Web Adapter cannot be built")
    with one_at_a_time("adapter"):
        return Path(made_by(ROOT / "scripts" / "build-adapter"))


@pytest.fixture(scope="session")
def built_image(adapter_binary: Path) -> str:
    """The image, built on a base of Debian's packages with the adapter of the crate: no registry is needed."""
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no container engine here: the image cannot be built and run")
    if shutil.which("debootstrap") is None:
        pytest.skip("no debootstrap here: a base image cannot be made without a registry")
    with one_at_a_time("image"):
        made_by(ROOT / "scripts" / "base-image", "--adapter", adapter_binary)
        images = ("--base", "mitmclaude-base:trixie", "--adapter", "mitmclaude-adapter:local")
        return made_by(ROOT / "scripts" / "build-image", *images, "--tag", "mitmclaude:test", "--network=host")
