"""The recorder in a process of its own: it may be killed, stopped, or never start, and its proxy may be killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from mitmclaude.recorder import apart
from mitmclaude.recorder.apart import PATIENCE
from mitmclaude.recorder.spawn import spawn
from tests.recorder.calls import Running, body, call, came, ended, opened

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kind() -> str:
    return "process"


def child(running: Running) -> psutil.Process:
    """The process that records at the moment."""
    return psutil.Process(running.recorder._process.pid)  # type: ignore[attr-defined]


@pytest.mark.parametrize("step", [0, 1, 2, 3])
async def test_killed_at_each_step(running: Running, step: int) -> None:
    """Whatever it had of a call, the call has one record and one reply."""
    messages = call()
    running.send(*messages[:step])
    if step:
        await running.until(lambda: not running.recorder._out)  # type: ignore[attr-defined]
    child(running).kill()
    running.send(*messages[step:])
    await running.all_stored(1)
    running.send(*call(1))
    await running.all_stored(2)
    assert [record["outcome"] for record in running.records()] == ["complete", "complete"]
    assert len(running.stored) == 2


async def test_killed_with_many_calls_in_flight(running: Running) -> None:
    """Killed twice among 300 calls: 300 records."""
    for number in range(300):
        running.send(*call(number))
        if number in (100, 200):
            await running.all_stored(number // 2)
            child(running).kill()
    await running.all_stored(300)
    assert len(running.records()) == 300


async def test_a_call_that_kills_its_recorder(running: Running) -> None:
    """After some attempts it is kept without its bodies, as the record tells."""
    opening = opened()
    running.send(opening)
    for _ in range(PATIENCE):
        victim = child(running)
        victim.kill()
        await running.until(lambda victim=victim: child(running).pid != victim.pid)  # type: ignore[misc]
        running.send(*call(1 + _))  # a reply tells that the new one is well
        await running.all_stored(1 + _)
    running.send(came(opening), ended(opening))
    await running.all_stored(1 + PATIENCE)
    (record,) = [record for record in running.records() if record["id"] == opening.id]
    assert "recorder processes ended" in record["errors"][0]
    assert record["request"]["bytes"] == 0


async def test_its_pipe_is_full(running: Running) -> None:
    """While it is stopped `send` takes 100 MB without waiting; all of it is recorded afterwards."""
    running.send(*call(0))
    await running.all_stored(1)
    process = child(running)
    process.suspend()
    began = time.monotonic()
    for number in range(1, 51):
        running.send(*call(number, body("x" * (2 << 20))))
    assert time.monotonic() - began < 5
    process.resume()
    await running.all_stored(51, 60)


async def test_it_never_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be had the proxy's own does the work."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    running = Running(tmp_path, "process")
    running.send(*call())
    await running.all_stored(1)
    running.recorder.close(10)
    assert len(running.records()) == 1


def test_one_that_was_started_ahead_and_not_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    """It leaves without a word when nobody speaks to it."""
    process, end = spawn()
    end.close()
    assert process.wait(20) == 0
    assert capfd.readouterr().err == ""


async def test_signals_of_a_terminal_do_not_reach_it(running: Running) -> None:
    """SIGINT, SIGTERM and SIGHUP leave it at work: it goes when its proxy goes."""
    running.send(*call(0))
    await running.all_stored(1)
    process = child(running)
    assert os.getsid(process.pid) != os.getsid(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    running.send(*call(1))
    await running.all_stored(2)
    assert child(running).pid == process.pid


def test_it_leaves_with_its_proxy(tmp_path: Path) -> None:
    """After kill -9 of the proxy it stores what had ended and what was under way, and leaves."""
    code = f"""
        import asyncio, os, signal
        from pathlib import Path
        from tests.recorder.calls import *
        async def main():
            running = Running(Path({str(tmp_path)!r}), "process")
            running.send(*call(1))
            await running.all_stored(1)
            print(running.recorder._process.pid, flush=True)
            cut = opened(2)
            running.send(*call(3), cut, came(cut, SSE[:600]))
            await running.until(lambda: not running.recorder._out)
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'addons'}"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    recorder = psutil.Process(int(done.stdout)) if psutil.pid_exists(int(done.stdout)) else None
    if recorder is not None:
        psutil.wait_procs([recorder], 20)
    running = Running.__new__(Running)
    running.folder = tmp_path
    outcomes = {record["id"][9:13]: record["outcome"] for record in running.records()}
    assert outcomes == {"0001": "complete", "0002": "shutdown", "0003": "complete"}
    assert not psutil.pid_exists(int(done.stdout))


def test_it_knows_no_proxy() -> None:
    """It imports nothing of mitmproxy, so that it starts quickly and stays small."""
    code = "import sys; import mitmclaude.recorder.child; print([m for m in sys.modules if m.startswith('mitmproxy')])"
    path = {**os.environ, "PYTHONPATH": str(ROOT / "addons")}
    assert subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True).stdout == "[]\n"


def test_a_call_without_its_bodies() -> None:
    """What may end a process is taken away; who called whom stays."""
    kept = apart.without_bodies(call(), "why")
    assert [type(message) for message in kept] == [type(message) for message in call()]
    assert b"hello" not in repr(kept).encode()


async def test_a_recorder_that_stands_still(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it is bounded: calls beyond are recorded without bodies, as their records tell."""
    monkeypatch.setattr(apart, "BACKLOG", 5 << 20)
    running.send(*call(0))
    await running.all_stored(1)
    process = child(running)
    process.suspend()
    for number in range(1, 9):
        running.send(*call(number, body("x" * 1_000_000)))
    process.resume()
    await running.all_stored(9)
    records = running.records()
    assert sum(record["request"]["bytes"] > 0 for record in records) in range(5, 8)
    assert {error for record in records for error in record["errors"]} == {
        "the recorder is 5 MB behind: kept without bodies"
    }
    running.send(*call(9))
    await running.all_stored(10)
    assert running.records()[-1]["errors"] == []
