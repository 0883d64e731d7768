"""A container image for tests without a registry: this Python, a shell, the adapter and the toy app."""

import io
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LEFT_OUT = re.compile(r"/(test|tests|idlelib|ensurepip|site-packages|config-.*|__pycache__|tkinter)(/|$)")


def build(name: str, adapter: Path) -> None:
    """Makes the image; skips where Docker does not work."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no container: Docker is missing or does not run")
    packed = _packed(adapter)
    command = ["docker", "import", "--change", 'CMD ["python3", "/toy.py", "{port}"]']
    command += ["--change", "ENV AWS_LWA_INVOKE_MODE=response_stream", "-", name]
    subprocess.run(command, input=packed, check=True, capture_output=True)


def _packed(adapter: Path) -> bytes:
    python = Path(sys.executable).resolve()
    library = Path(sys.base_prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    shell = Path("/bin/sh").resolve()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(shell, "bin/sh")
        tar.add(python, str(python).lstrip("/"))
        tar.add(library, str(library).lstrip("/"), filter=_wanted)
        tar.add(adapter, "opt/extensions/lambda-adapter")
        tar.add(HERE / "toy.py", "toy.py")
        for file in _libraries(python, shell, adapter, *library.glob("lib-dynload/*.so")):
            tar.add(Path(file).resolve(), file.lstrip("/"))
        tar.addfile(_directory("tmp", 0o1777))
        tar.addfile(_directory("usr/bin", 0o755))
        tar.addfile(_link("usr/bin/python3", str(python)))
    return buffer.getvalue()


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.mode |= 0o444 | (0o111 if member.isdir() else 0)
    return None if LEFT_OUT.search(member.name) else member


def _libraries(*binaries: Path) -> set[str]:
    """Shared libraries of binaries and their loader, as ldd names them."""
    told = subprocess.run(["ldd", *binaries], capture_output=True, text=True).stdout
    return set(re.findall(r"(?:=> |^\s+)(/\S+) \(", told, re.MULTILINE))


def _directory(name: str, mode: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode = tarfile.DIRTYPE, mode
    return made


def _link(name: str, target: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = tarfile.SYMTYPE, target
    return made
