"""The real Lambda Web Adapter for tests, built once for all workers of a run and kept between runs."""

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mitmclaude"


@contextlib.contextmanager
def locked(name: str) -> Iterator[Path]:
    """The cache directory, with a lock that other workers wait for."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield CACHE


@pytest.fixture(scope="session")
def adapter_binary() -> Path:
    """Path of the adapter; skips, with what is missing, where it cannot be built. Import it into your conftest."""
    with locked("adapter"):
        built = subprocess.run([ROOT / "scripts" / "build-adapter"], capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f"no Lambda Web Adapter: {built.stderr.strip().splitlines()[-1]}")
    return Path(built.stdout.strip())
