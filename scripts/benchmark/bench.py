"""What the measures share: the upstream, proxies in turns, the load generator, and how long to take."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .process import Running, VoidError, running
from .ways import DIRECT, ROOT, Way

Values = dict[str, list[float]]  # by way, one a round
Measured = dict[str, Values]  # by part of a measure


class NotMeasuredError(RuntimeError):
    """What a measure needs is not on this machine."""


@dataclass(frozen=True)
class Bench:
    upstream: str
    folder: Path
    quick: bool = False
    image: str = ""
    peers: Sequence[Way] = ()

    def rounds(self, number: int) -> int:
        return max(2, number // 4) if self.quick else number

    def running(self, way: Way, **given: Any) -> contextlib.AbstractContextManager[Running]:
        return running(way, self.upstream, self.folder / way.name, **given)

    @contextlib.contextmanager
    def proxies(self, *ways: Way) -> Iterator[dict[str, Running]]:
        """Fresh proxies, by name of their way; when the block ends, their records are counted."""
        with contextlib.ExitStack() as stack:
            yield {way.name: stack.enter_context(self.running(way)) for way in ways}

    def load(self, job: str, proxies: Mapping[str, Running], *, direct: bool = True, **given: Any) -> Any:
        """Run a job of the load generator against the proxies in turns, and return what it measured."""
        ports = {DIRECT: int(self.upstream.rpartition(":")[2])} if direct else {}
        ports |= {name: proxy.port for name, proxy in proxies.items()}
        result = _generate({"job": job, "ports": ports, **given})
        for name, proxy in proxies.items():
            proxy.calls += result["calls"][name]
        return result["values"]

    def fill(self, proxy: Running, **given: Any) -> None:
        """Make a number of calls through one proxy."""
        result = _generate({"job": "fill", "port": proxy.port, **given})
        proxy.calls += result["calls"][""]


def _generate(job: Mapping[str, Any]) -> Any:
    command = [sys.executable, "-m", f"{__package__}.load"]
    ended = subprocess.run(command, cwd=ROOT, input=json.dumps(job), stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise VoidError(f"the load generator failed at {job['job']}")
    return json.loads(ended.stdout)


@contextlib.contextmanager
def upstream() -> Iterator[str]:
    """The URL of an upstream in a process of its own."""
    command = [sys.executable, "-m", f"{__package__}.upstream"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
