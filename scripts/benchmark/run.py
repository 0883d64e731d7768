"""The measures of `scripts/bench`: what is started, what load runs against it, which rows come of it."""

import argparse
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil  # type: ignore[import-untyped]
from tests.e2e.proxy import MITMDUMP, ROOT, SCRIPT, Proxy, running, scrubbed_environment

from benchmark import cold as image
from benchmark.report import Row, as_json, machine, markdown, p95

HERE = Path(__file__).parent
LAZY = ("--set", "connection_strategy=lazy")  # ours sets it by itself
BARE = """
def responseheaders(flow):
    if "text/event-stream" in flow.response.headers.get("content-type", ""):
        flow.response.stream = True
"""
MB = 1 << 20

Rows = list[Row]


@dataclass(frozen=True)
class Bench:
    """What the measures share: the ways through, where to write, and how long to take."""

    upstream: str
    folder: Path
    bare_script: Path
    quick: bool
    image: str

    @property
    def direct(self) -> int:
        return int(self.upstream.rpartition(":")[2])

    def rounds(self, number: int) -> int:
        return max(2, number // 4) if self.quick else number

    @contextlib.contextmanager
    def proxies(self) -> Iterator[dict[str, Proxy]]:
        """A bare and one of ours, fresh."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            bare = running(self.upstream, Path(folder, "bare"), *LAZY, script=self.bare_script)
            ours = running(self.upstream, Path(folder, "ours"))
            with bare as one, ours as other:
                yield {"bare": one, "ours": other}

    @contextlib.contextmanager
    def ports(self) -> Iterator[dict[str, int]]:
        with self.proxies() as proxies:
            yield {"direct": self.direct, **{name: proxy.port for name, proxy in proxies.items()}}


def load(job: str, **given: Any) -> Any:
    """Run a job of the load generator and return what it measured."""
    ended = subprocess.run(
        [sys.executable, HERE / "load.py"],
        input=json.dumps({"job": job, **given}), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(ended.stdout)


def added(taken: dict[str, list[list[float]]], name: str, unit: str, scale: float) -> Rows:
    """Median and p95 rows: the direct way's own time, and what each proxy adds to it, round by round."""
    rows = []
    for label, reduce in (("median", median), ("p95", p95)):
        by_way = {way: [reduce(values) * scale for values in rounds] for way, rounds in taken.items()}
        more = {
            way: [value - direct for value, direct in zip(by_way[way], by_way["direct"], strict=True)]
            for way in ("bare", "ours")
        }
        rows.append(Row(f"{name}, {label}", unit, more["bare"], more["ours"], by_way["direct"]))
    return rows


def latency(bench: Bench) -> Rows:
    """Added latency of a call, to the first byte and to the end."""
    rows: Rows = []
    with bench.ports() as ports:
        for size in (1_000, 200_000):
            for scenario, answer in (("message.json", "JSON"), ("text.sse", "SSE")):
                taken = load(
                    "latency", ports=ports, scenario=scenario, size=size, rounds=bench.rounds(12), calls=60
                )  # fmt: skip
                name = f"added by the proxy, {size // 1000} KB request, {answer} answer"
                if answer == "SSE":
                    rows += added(taken["first"], f"{name}, first byte", "ms", 1e3)
                rows += added(taken["last"], f"{name}, end", "ms", 1e3)
    return rows


def events(bench: Bench) -> Rows:
    """Added delay of each event of a paced stream."""
    with bench.ports() as ports:
        taken = load("events", ports=ports, count=200, delay=0.005, rounds=bench.rounds(8))
    return added(taken, "added delay of an SSE event", "ms", 1e3)


def throughput(bench: Bench) -> Rows:
    """Calls per second over 32 connections."""
    rows = []
    with bench.ports() as ports:
        for size in (1_000, 50_000):
            rates = load(
                "throughput", ports=ports, scenario="text.sse", size=size, connections=32, seconds=2,
                rounds=bench.rounds(5),
            )  # fmt: skip
            name = f"throughput, 32 connections, {size // 1000} KB request, SSE answer"
            rows.append(Row(name, "calls/s", rates["bare"], rates["ours"], rates["direct"]))
    return rows


def parallel(bench: Bench) -> Rows:
    """256 paced streams at a time: how much longer than the ideal, and the worst delay of an event."""
    count, delay = 40, 0.1
    with bench.ports() as ports:
        taken = load("parallel", ports=ports, streams=256, count=count, delay=delay, rounds=bench.rounds(4))
    ideal = (count + 5) * delay  # three events before the stamped ones and three behind, the first at once
    total = {way: [seconds / ideal for seconds, _ in rounds] for way, rounds in taken.items()}
    worst = {way: [late * 1e3 for _, late in rounds] for way, rounds in taken.items()}
    name = "256 parallel streams of 10 events/s"
    return [
        Row(f"{name}, time to the end", "of ideal", total["bare"], total["ours"], total["direct"]),
        Row(f"{name}, worst event delay", "ms", worst["bare"], worst["ours"], worst["direct"]),
    ]


def memory(bench: Bench) -> Rows:
    """Resident memory and its growth over many flows, after a warm-up."""
    warm, flows = 500, 1_000 if bench.quick else 10_000
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    with bench.proxies() as proxies:
        for name, proxy in proxies.items():
            process = psutil.Process(proxy.process.pid)
            given = {"port": proxy.port, "scenario": "text.sse", "size": 10_000, "connections": 8}
            load("fill", calls=warm, **given)
            first[name] = process.memory_info().rss / MB
            load("fill", calls=flows, **given)
            last[name] = process.memory_info().rss / MB
    growth = {name: last[name] - first[name] for name in last}
    return [
        Row(f"resident memory after {flows:,} flows of 10 KB", "MB", [last["bare"]], [last["ours"]]),
        Row(f"growth of it over {flows:,} flows", "MB", [growth["bare"]], [growth["ours"]]),
    ]


def start(bench: Bench) -> Rows:
    """From exec to the first accepted connection, and to the first answer."""
    rounds = bench.rounds(10)
    given = ("--mode", f"reverse:{bench.upstream}@127.0.0.1:%d")
    left = ("--listen-port", "%d", "--set", f"claude_upstream={bench.upstream}")
    taken: dict[str, list[tuple[float, float]]] = {"bare": [], "ours": [], "left": []}
    for _ in range(rounds):
        taken["bare"].append(_start(bench, bench.bare_script, (*given, *LAZY)))
        taken["ours"].append(_start(bench, SCRIPT, given))
        taken["left"].append(_start(bench, SCRIPT, left))
    accept = {name: [first for first, _ in times] for name, times in taken.items()}
    answer = {name: [last for _, last in times] for name, times in taken.items()}
    return [
        Row("start to listening", "s", accept["bare"], accept["ours"]),
        Row("start to the first answer", "s", answer["bare"], answer["ours"]),
        Row("start to the first answer, mode left to the addon", "s", answer["bare"], answer["left"]),
    ]


def cold(bench: Bench) -> Rows:
    """From `docker run` of the built image (`--image`) to the first answer, in the same image."""
    if subprocess.run(["docker", "image", "inspect", bench.image], capture_output=True).returncode:
        print(f"cold: no image {bench.image} here: scripts/build-image makes it", file=sys.stderr)
        return []
    taken: dict[str, list[float]] = {"bare": [], "memory": [], "aws": []}
    with image.aws() as on_aws:
        for _ in range(bench.rounds(8)):
            port = image.free_port()
            taken["bare"].append(_cold(image.bare(bench.image, bench.upstream, bench.bare_script, port), port))
            in_memory = image.ours(bench.image, bench.upstream, port, CLAUDE_STORE="memory:")
            taken["memory"].append(_cold(in_memory, port))
            taken["aws"].append(_cold(image.ours(bench.image, bench.upstream, port, **on_aws), port))
    return [
        Row("image: run to the first answer", "s", taken["bare"], taken["memory"]),
        Row("image: run to the first answer, with S3 and DynamoDB", "s", taken["bare"], taken["aws"]),
    ]


def _cold(command: Sequence[str], port: int) -> float:
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        return _until(lambda: _hello(port), process) - began
    finally:
        process.terminate()
        process.wait()


def _start(bench: Bench, script: Path, arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds from exec to a connection that is accepted, and to an answered request."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = bench.folder / "start"
    command = [str(MITMDUMP), "-s", str(script), "--set", f"claude_store={home / 'captures'}"]
    command += [argument.replace("%d", str(port)) for argument in arguments]
    environment = scrubbed_environment(home)
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.DEVNULL)
    try:
        accepted = _until(lambda: socket.create_connection(("127.0.0.1", port), 5).close(), process) - began
        answered = _until(lambda: _hello(port), process) - began
    finally:
        process.terminate()
        process.wait()
    return accepted, answered


def _hello(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("HEAD", "/api/hello")
    connection.getresponse().read()
    connection.close()


def _until(attempt: Callable[[], None], process: subprocess.Popen[bytes]) -> float:
    """The time at which an attempt first succeeded; they are 2 ms apart."""
    while process.poll() is None:
        try:
            attempt()
        except (OSError, http.client.HTTPException):
            time.sleep(0.002)
        else:
            return time.perf_counter()
    raise RuntimeError(f"mitmdump ended with {process.returncode}")


def validation(bench: Bench) -> Rows:
    """The check of a request, next to `json.loads` of the same bytes in the place of bare."""
    rows = []
    for size in (50_000, 600_000):
        command = [sys.executable, str(HERE / "validation.py"), str(size), str(bench.rounds(20))]
        environment = {**scrubbed_environment(bench.folder / "home"), "PYTHONPATH": str(ROOT / "addons")}
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        taken = json.loads(ended.stdout)
        milliseconds = {name: [value * 1e3 for value in taken[name]] for name in ("json.loads", "ours")}
        name = f"validation of {taken['bytes'] // 1000} KB (`json.loads` in the place of bare)"
        rows.append(Row(name, "ms", milliseconds["json.loads"], milliseconds["ours"]))
    return rows


MEASURES: dict[str, Callable[[Bench], Rows]] = {
    made.__name__: made for made in (latency, events, throughput, parallel, memory, start, cold, validation)
}


@contextlib.contextmanager
def upstream_process() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.upstream"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main(description: str | None) -> int:
    listing = "\n".join(f"  {name:<12}{made.__doc__}" for name, made in MEASURES.items())
    parser = argparse.ArgumentParser(
        description=description, epilog=f"measures:\n{listing}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a result")
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--image", default="mitmclaude:latest", metavar="NAME", help="the image of `cold`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every round's values here")
    given = parser.parse_args()
    rows: Rows = []
    with tempfile.TemporaryDirectory(prefix="mitmclaude-bench-") as folder, upstream_process() as upstream:
        script = Path(folder, "stream_only.py")
        script.write_text(BARE)
        bench = Bench(upstream, Path(folder), script, given.quick, given.image)
        for name in given.only or MEASURES:
            began = time.perf_counter()
            rows += MEASURES[name](bench)
            print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    facts = machine()
    print(markdown(rows, facts))
    if given.json:
        given.json.write_text(json.dumps(as_json(rows, facts), indent=1))
    return 0
