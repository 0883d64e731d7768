"""The ways through that are measured: each is a name and the command a user would type."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MITMDUMP = Path(sys.executable).with_name("mitmdump")
SCRIPT = ROOT / "addons" / "claude.py"
STREAM_ONLY = Path(__file__).with_name("stream_only.py")
LAZY = ("--set", "connection_strategy=lazy")  # ours sets it by itself


@dataclass(frozen=True)
class Place:
    """Where a way starts: what it forwards to, where it listens, its home and its store."""

    upstream: str
    port: int
    home: Path
    store: Path


@dataclass(frozen=True)
class Way:
    name: str
    command: Callable[[Place], list[str]]
    records: bool = False  # leaves one record for each call in the place's store
    fresh: bool = False  # starts each time in an empty home; mitmdump would make its CA anew


def _mode(place: Place) -> list[str]:
    return ["--mode", f"reverse:{place.upstream}@127.0.0.1:{place.port}"]


def _store(place: Place) -> list[str]:
    return ["--set", f"claude_store={place.store}"]


def _left(place: Place) -> list[str]:
    upstream = f"claude_upstream={place.upstream}"
    return ["--listen-port", str(place.port), "--set", upstream, *_store(place)]


DIRECT = "direct"
BARE = Way("bare", lambda place: [str(MITMDUMP), "-s", str(STREAM_ONLY), *_mode(place), *LAZY])
OURS = Way("ours", lambda place: [str(MITMDUMP), "-s", str(SCRIPT), *_mode(place), *_store(place)], records=True)
LEFT = Way("left", lambda place: [str(MITMDUMP), "-s", str(SCRIPT), *_left(place)], records=True)
RUN = Way("run", lambda place: [str(ROOT / "scripts" / "run"), *_left(place)], records=True)
