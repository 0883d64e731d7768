"""Measure the redaction: what it blanks without need, what it finds, how long it takes.

    .venv/bin/python scripts/benchmark/redaction.py [--megabytes 60] [--show 20]

False redactions are counted in the source of the installed packages: most are the examples of documentation, which
look like credentials because they should. Recall is counted on the texts of tests/redact/planted.py.
"""

import argparse
import importlib.metadata
import random
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = ROOT / "tests" / "fixtures" / "requests"
KINDS = ("py", "json", "md")
CLOCK = "import orjson, time; at = time.process_time(); {}; print(time.process_time() - at)"
IMPORT = CLOCK.format("import mitmclaude.redact")
ENGINE = CLOCK.format("from mitmclaude.redact.literals import hits; list(hits(b'x'))")

type Row = tuple[str, str]


def best(work: Callable[[], object], rounds: int = 30) -> float:
    """Milliseconds of the quickest round."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return 1000 * min(taken)


def sample(kind: str, megabytes: float) -> Iterator[tuple[Path, bytes]]:
    """Files of the installed packages in an order that is the same each time, up to `megabytes` in all."""
    paths = sorted(Path(sysconfig.get_path("purelib")).rglob(f"*.{kind}"))
    random.Random(1).shuffle(paths)  # noqa: S311
    left = megabytes * 1e6
    for path in paths:
        if left <= 0:
            return
        b = path.read_bytes()[:2_000_000]
        left -= len(b)
        yield path, b


def false_redactions(megabytes: float, show: int) -> Iterator[Row]:
    from mitmclaude.redact.finder import find

    for kind in KINDS:
        size, spans = 0, 0
        for path, b in sample(kind, megabytes):
            size += len(b)
            found = find(b)
            for start, end in found[: max(0, show - spans)]:
                print(f"{path.name}: {b[max(0, start - 30) : start]!r} {b[start:end]!r}", file=sys.stderr)
            spans += len(found)
        yield f"false redactions in *.{kind}", f"{spans / (size / 1e6):.2f} per MB ({spans} in {size / 1e6:.0f} MB)"
    fixtures = [path.read_bytes() for path in REQUESTS.glob("*.json")]
    spans = sum(len(find(b)) for b in fixtures)
    yield "false redactions in captured requests", f"{spans} in {sum(map(len, fixtures)) / 1e6:.1f} MB"


def recall() -> Iterator[Row]:
    from tests.redact.planted import IN_CONTEXT, PROVIDERS

    from mitmclaude.redact import MARK, Redactor

    redact = Redactor().text
    shaped = sum(redact(f"it is {secret}, yes") == f"it is {MARK}, yes" for secret in PROVIDERS.values())
    yield "recall, shapes of providers", f"{shaped} of {len(PROVIDERS)}"
    told = sum(
        redact(re.sub("[«»]", "", text)) == re.sub("«.*?»", MARK, text, flags=re.DOTALL) for text in IN_CONTEXT.values()
    )
    yield "recall, by what stands around", f"{told} of {len(IN_CONTEXT)}"


def source_code(name: str, size: int) -> bytes:
    """A request that holds files of the package `name` as a tool read them, with their line numbers."""
    import orjson

    body = orjson.loads((REQUESTS / "cc_print_simple.json").read_bytes())
    text = ""
    for path in sorted((Path(sysconfig.get_path("purelib")) / name).rglob("*.py")):
        text += "".join(f"{n:6}→{line}\n" for n, line in enumerate(path.read_text().splitlines(), 1))
    body["messages"].append({"role": "user", "content": text[: size - 55_000]})
    return orjson.dumps(body)


def times() -> Iterator[Row]:
    from mitmclaude.redact import Redactor
    from mitmclaude.redact.finder import find

    also = frozenset({b"sk-ant-" + b"api03-" + b"aB3dE_x-" * 12})
    code = source_code("mitmproxy/addons", 260_000)
    bodies = {
        "captured": (REQUESTS / "cc_loop_260kb.json").read_bytes(),
        "source code": code,
        "source code, escaped as Go does": code.replace(b"<", b"\\u003c").replace(b">", b"\\u003e"),
        "source code about credentials": source_code("botocore", 260_000),
    }
    for name, body in bodies.items():
        taken = best(partial(Redactor(None, also).is_clean, body))
        yield f"`is_clean`, {len(body) // 1000} KB, {name}", f"{taken:.3f} ms"
    taken = best(partial(find, code, by_engine=False))
    yield "spans of the source code without Hyperscan", f"{taken:.2f} ms"
    yield "a redactor and its first word", f"{best(lambda: Redactor(None, also).text('x')):.3f} ms"


def starts() -> Iterator[Row]:
    for name, code in (("import", IMPORT), ("import, and the first scan", ENGINE)):
        runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(5)]
        yield name, f"{1000 * min(float(run.stdout) for run in runs):.1f} ms"
    files = importlib.metadata.files("hyperscan") or []
    yield "Hyperscan, installed", f"{sum(file.size or 0 for file in files) / 1e6:.1f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=60, help="of each kind of file to look through")
    parser.add_argument("--show", type=int, default=0, help="how many redactions of each kind to print")
    asked = parser.parse_args()
    rows = [*false_redactions(asked.megabytes, asked.show), *recall(), *times(), *starts()]
    print("| redaction | |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "addons")]
    main()
