"""A proxy under test: its calls are checked against its records, its tree is measured whole."""

import sys
from pathlib import Path

import psutil
import pytest
from scripts.benchmark import process
from scripts.benchmark.process import VoidError, running
from scripts.benchmark.ways import ROOT, Place, Way

RECORD = "01a20372-5a7f-7b3c-8a00-ced43f02ef1{}.json"


def answering(place: Place) -> list[str]:
    """Something that answers as an upstream does, and keeps nothing."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = ['--port', '{place.port}']"
    return [sys.executable, "-c", f"{code}; import runpy; runpy.run_module('tests.upstream', run_name='__main__')"]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LATE", 0.1)
    monkeypatch.setattr(process, "STOP_LIMIT", 2)


def keep(folder: Path, *outcomes: str) -> None:
    day = folder / "captures" / "records" / "date=2026-11-24"
    day.mkdir(parents=True)
    for number, outcome in enumerate(outcomes):
        (day / RECORD.format(number)).write_text(f'{{"outcome": "{outcome}"}}')


@pytest.mark.parametrize("outcomes", [[], ["truncated"], ["complete", "complete"], ["complete", "truncated"]])
def test_void(tmp_path: Path, outcomes: list[str]) -> None:
    """Records that are missing, too many or not complete make a run void."""
    with (
        pytest.raises(VoidError, match="answered 1 calls"),
        running(Way("ours", answering, records=True), "", tmp_path),
    ):
        keep(tmp_path, *outcomes)


def test_one_record_a_call(tmp_path: Path) -> None:
    """As many complete records as calls are what is wanted; the store goes, the home stays."""
    with running(Way("ours", answering, records=True), "", tmp_path) as proxy:
        keep(tmp_path, "complete")
    assert proxy.calls == 1 and proxy.started_in > 0
    assert not (tmp_path / "captures").exists() and (tmp_path / "home").exists()


def test_died(tmp_path: Path) -> None:
    """A proxy that ends is not measured; what it printed is shown."""
    gone = Way("gone", lambda place: [sys.executable, "-c", "print('no port'); raise SystemExit(3)"])
    with pytest.raises(VoidError, match=r"gone ended with 3:\nno port"), running(gone, "", tmp_path):
        pass


def test_tree(tmp_path: Path) -> None:
    """Memory and processor time are those of all processes, and all of them end."""

    def through_a_shell(place: Place) -> list[str]:
        return ["sh", "-c", '"$@" & wait', "sh", *answering(place)]

    with running(Way("shell", through_a_shell), "", tmp_path) as proxy:
        (child,) = psutil.Process(proxy.process.pid).children()
        assert proxy.memory() > child.memory_full_info().uss / process.MB > 5
        assert proxy.cpu() >= sum(child.cpu_times()[:2]) > 0
    psutil.wait_procs([child], timeout=1)
    assert not process.is_alive(child)
