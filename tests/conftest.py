"""What several folders of tests share: the real Lambda Web Adapter and the built image, each made once a run."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lambda_local.adapter import adapter_binary, locked

__all__ = ["adapter_binary"]

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def built_image(adapter_binary: Path) -> str:
    """The image, built on a base of Debian's packages with the adapter of the crate: no registry is needed."""
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no container engine here: the image cannot be built and run")
    if shutil.which("debootstrap") is None:
        pytest.skip("no debootstrap here: a base image cannot be made without a registry")
    with locked("image"):
        made_by("base-image", "--adapter", str(adapter_binary))
        images = ("--base", "mitmclaude-base:trixie", "--adapter", "mitmclaude-adapter:local")
        return made_by("build-image", *images, "--tag", "mitmclaude:test", "--network=host")


def made_by(script: str, *arguments: str) -> str:
    """The last line that a script of ours prints, which names what it made."""
    done = subprocess.run([ROOT / "scripts" / script, *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, f"{script} failed:\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
    return done.stdout.strip().splitlines()[-1]
