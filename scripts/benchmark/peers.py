"""Other capture tools, installed into throw-away environments, and how each is started as a reverse proxy."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .process import VoidError, free_port
from .ways import Place, Way


@dataclass(frozen=True)
class Peer:
    name: str  # on PyPI, and of its command
    version: str
    arguments: Callable[[Place], list[str]]

    def install(self, folder: Path) -> Way:
        """Make an environment in `folder` that holds it alone."""
        environment = folder / self.name
        wanted = f"{self.name}=={self.version}"
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", wanted]
        for step in ([sys.executable, "-m", "venv", str(environment)], pip):
            if subprocess.run(step, stdout=sys.stderr).returncode:
                raise VoidError(f"could not install {wanted}: `{' '.join(step)}` failed")
        command = str(environment / "bin" / self.name)
        name = f"{self.name} {self.version}"
        return Way(name, lambda place: [command, *self.arguments(place)], fresh=True)


def _claude_tap(place: Place) -> list[str]:
    """Recording only: no client, no live page."""
    port = ["--tap-host", "127.0.0.1", "--tap-port", str(place.port)]
    return [*port, "--tap-target", place.upstream, "--tap-no-launch", "--tap-no-live", "--tap-no-open"]


def _llm_mitm_proxy(place: Place) -> list[str]:
    ports = ["--proxy-port", str(place.port), "--web-port", str(free_port())]
    return ["--host", "127.0.0.1", *ports, place.upstream]


PEERS = (
    Peer("claude-tap", "0.1.146", _claude_tap),
    Peer("llm-mitm-proxy", "2026.9.1", _llm_mitm_proxy),
)
