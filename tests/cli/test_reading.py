"""`mitmclaude list`, `show` and `flow`: what cannot be read is named and counted, and harms nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from mitmproxy.io import FlowReader

from mitmclaude import __version__
from mitmclaude.record.record import record_key, to_json
from mitmclaude.stores.file import FileStore
from tests.cli.conftest import AT, SESSIONS, Run, Stored, record, stored_in


def changed(**fields: object) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps(json.loads(content) | fields).encode()


def deep(levels: int) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(b'"text":"hi"', b'"text":' + b"[" * levels + b"]" * levels)


BROKEN_RECORDS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda content: content[:-50], "damaged, or no JSON: EOF while parsing"),
    "empty": (lambda _: b"", "it is empty"),
    "blank": (lambda _: b"\n", "damaged, or no JSON: EOF while parsing"),
    "foreign": (lambda _: b"hello", "damaged, or no JSON: expected value"),
    "binary": (lambda _: bytes(range(256)), "damaged, or no JSON: "),
    "other JSON": (lambda _: b'{"a":1}', f"not a record that mitmclaude {__version__} reads: id: Field required"),
    "a list": (lambda _: b"[]", f"not a record that mitmclaude {__version__} reads"),
    "version 3": (changed(version=3), f"a record of version 3, which mitmclaude {__version__} does not read"),
    "version one": (changed(version="one"), f"not a record that mitmclaude {__version__} reads: version: "),
    "198 deep": (deep(198), "nested too deep to be read"),
    "245 deep": (deep(245), "nested too deep to be read"),
    "1000 deep": (deep(1000), "nested too deep to be read"),
}  # fmt: skip

BROKEN_FLOWS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda content: content[:-20], "damaged, or not compressed with zstd: "),
    "empty": (lambda _: b"", "it is empty"),
    "foreign": (lambda _: b"hello", "damaged, or not compressed with zstd: "),
    "no flow": (lambda _: zstandard.compress(b"hello"), "not a flow of mitmproxy, or one that is cut off"),
    "half a flow": (lambda _: zstandard.compress(b"100:half}"), "not a flow of mitmproxy, or one that is cut off"),
    "a wrong length": (lambda _: zstandard.compress(b"\xb2:}}"), "not a flow of mitmproxy, or one that is cut off"),
}  # fmt: skip


def listed(printed: str, stored: Stored) -> list[int]:
    """The numbers of the records that a list shows."""
    return [stored.ids.index(line.split()[-1]) for line in printed.splitlines()]


@pytest.mark.parametrize("name", BROKEN_RECORDS)
def test_list_passes_over_what_it_cannot_read(stored: Stored, mitmclaude: Run, name: str) -> None:
    """All others are listed; it is named with its whole path, counted, and the exit status tells."""
    breaking, why = BROKEN_RECORDS[name]
    path = stored.record(2)
    path.write_bytes(breaking(path.read_bytes()))
    done = mitmclaude("list", "--store", stored.root)
    assert listed(done.stdout, stored) == [0, 1, 3, 4, 5]
    skipped, counted = done.stderr.splitlines()
    assert skipped.startswith(f"skipped {path}: {why}")
    assert counted == "mitmclaude: 1 object could not be read, named above"
    assert done.returncode == 1


def test_list_counts_all_that_it_passed_over(stored: Stored, mitmclaude: Run) -> None:
    """Several at once, also names that are none of ours; what desktops hide is passed over without a word."""
    stored.record(0).write_bytes(b"")
    stored.record(5).unlink()
    stored.record(5).mkdir()
    (stored.record(0).parent / "notes.txt").write_text("mine")
    (stored.record(0).parent / "\x1b[2Jevil.json").write_text("{}")
    (stored.record(0).parent / ".DS_Store").write_text("")
    done = mitmclaude("list", "--store", stored.root)
    assert listed(done.stdout, stored) == [1, 2, 3, 4]
    assert (
        f"skipped {stored.record(0).parent}/notes.txt: not one of ours: wanted a name that ends in .json" in done.stderr
    )
    assert "\x1b" not in done.stderr
    assert done.stderr.splitlines()[-1] == "mitmclaude: 3 objects could not be read, named above"
    assert done.returncode == 1


def test_list_fills_up_with_older_records(stored: Stored, mitmclaude: Run) -> None:
    """As many as are asked for are listed, whatever lies between them; what is older is not looked at."""
    for number in (0, 4):
        stored.record(number).write_bytes(b"")
    done = mitmclaude("list", "-n", 3, "--store", stored.root)
    assert listed(done.stdout, stored) == [2, 3, 5]
    assert done.stderr.splitlines()[-1] == "mitmclaude: 1 object could not be read, named above"


def test_a_session(stored: Stored, mitmclaude: Run) -> None:
    """One session's records by the beginning of its id; one that is not there is told, with where it was looked for."""
    done = mitmclaude("list", "--session", "bbbb", "--store", stored.root)
    assert (listed(done.stdout, stored), done.returncode) == ([1, 3, 5], 0)
    done = mitmclaude("list", "--session", "cccc", "--store", stored.root)
    assert (done.stdout, done.returncode) == ("", 1)
    missing = f"no record of a session that begins with 'cccc' in {stored.root}"
    assert done.stderr == f"mitmclaude: {missing}\n"
    stored.record(2).write_bytes(b"")
    done = mitmclaude("list", "--session", "cccc", "--store", stored.root)
    assert done.stderr.splitlines()[-1] == f"mitmclaude: {missing}; 1 object could not be read, named above"


@pytest.mark.parametrize("name", BROKEN_RECORDS)
def test_show_what_is_broken(stored: Stored, mitmclaude: Run, name: str) -> None:
    """What is JSON is shown all the same; what is wrong with it is told, and the exit status as well."""
    breaking, why = BROKEN_RECORDS[name]
    path = stored.record(2)
    path.write_bytes(breaking(path.read_bytes()))
    assert mitmclaude("show", stored.ids[2], "--store", stored.root).stdout == ""
    done = mitmclaude("show", stored.ids[2], "--raw", "--store", stored.root)
    assert done.stderr.startswith(f"mitmclaude: {path}: {why}")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1
    try:
        json.loads(path.read_bytes())
    except ValueError:
        assert done.stdout == ""
    else:
        assert json.loads(done.stdout) == json.loads(path.read_bytes())


def test_show_what_nothing_or_several_answer_to(stored: Stored, mitmclaude: Run) -> None:
    """It is told what was looked for and where, with the whole path in one piece, however long."""
    long = stored.root.with_name("a-long-name-" * 20)
    stored.root.rename(long)
    done = mitmclaude("show", "nothing", "--store", long, COLUMNS="40")
    assert done.stderr == f"mitmclaude: no record has an id that begins or ends with 'nothing' in {long}: wanted one\n"
    assert done.returncode == 1
    done = mitmclaude("show", stored.ids[0][:4], "--store", long)
    assert done.stderr.startswith(
        f"mitmclaude: 6 records have an id that begins or ends with '{stored.ids[0][:4]}' in {long}"
    )
    assert done.returncode == 1


@pytest.mark.parametrize("name", BROKEN_FLOWS)
def test_flow_passes_over_what_it_cannot_read(stored: Stored, mitmclaude: Run, tmp_path: Path, name: str) -> None:
    """The whole ones are written; the broken one is named, counted, and the exit status tells."""
    breaking, why = BROKEN_FLOWS[name]
    path, out = stored.flow(1), tmp_path / "calls.mitm"
    path.write_bytes(breaking(path.read_bytes()))
    done = mitmclaude("flow", *stored.ids[:3], "-o", out, "--store", stored.root)
    with out.open("rb") as file:
        assert len(list(FlowReader(file).stream())) == 2
    assert done.stdout == f"2 flows in {out}\n"
    skipped, counted = done.stderr.splitlines()
    assert skipped.startswith(f"skipped {path}: {why}")
    assert counted == "mitmclaude: 1 object could not be read, named above"
    assert done.returncode == 1


@pytest.mark.parametrize("before", [None, b"an older file"])
def test_flow_without_a_flow_writes_nothing(
    stored: Stored, mitmclaude: Run, tmp_path: Path, before: bytes | None
) -> None:
    """Where none can be read, or an id is wrong, there is no output, and an older one stays as it was."""
    out = tmp_path / "out" / "calls.mitm"
    out.parent.mkdir()
    if before:
        out.write_bytes(before)
    stored.flow(1).write_bytes(b"hello")
    for ids in ((stored.ids[1],), (stored.ids[0], "nothing")):
        done = mitmclaude("flow", *ids, "-o", out, "--store", stored.root)
        assert (done.stdout, done.returncode) == ("", 1)
        assert [path.read_bytes() for path in out.parent.iterdir()] == ([before] if before else [])


def test_flow_cannot_be_written(stored: Stored, mitmclaude: Run, tmp_path: Path) -> None:
    """A place that takes no file is named, in one line."""
    for out, why in ((tmp_path / "none" / "calls.mitm", "No such file or directory"), (tmp_path, "Is a directory")):
        done = mitmclaude("flow", stored.ids[0], "-o", out, "--store", stored.root)
        assert (done.stderr, done.returncode) == (f"mitmclaude: cannot write {out}: {why}\n", 1)


def test_flow_is_private_and_follows_links(stored: Stored, mitmclaude: Run, tmp_path: Path) -> None:
    """Only the owner can read it; a link stays one, and a pipe is written to."""
    link, real = tmp_path / "link.mitm", tmp_path / "real.mitm"
    link.symlink_to(real)
    assert mitmclaude("flow", stored.ids[0], "-o", link, "--store", stored.root).returncode == 0
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    done = mitmclaude("flow", stored.ids[0], "-o", "/dev/stdout", "--store", stored.root)
    assert done.stdout.startswith(real.read_text(errors="replace")[:20])


@pytest.mark.parametrize("command", [("list",), ("show", "x"), ("flow", "x", "-o", "out.mitm")])
def test_a_store_that_is_not_there(mitmclaude: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    """A wrong store is told with its whole path, in one line; nothing is made."""
    done = mitmclaude(*command, "--store", "none")
    assert (done.stderr, done.returncode) == (
        f"mitmclaude: no directory {tmp_path}/none: nothing was captured there\n",
        1,
    )
    done = mitmclaude(*command, "--store", "ftp://x")
    assert done.stderr.startswith(
        "mitmclaude: --store: wanted a directory, memory:, s3://… or dynamodb://…, found 'ftp://x'"
    )
    assert done.returncode == 2
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "out.mitm").exists()


def test_a_store_that_fails(mitmclaude: Run) -> None:
    """One line that names the store, without the options of its URL."""
    closed = "s3://bucket/team?endpoint=http://127.0.0.1:9"
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
    done = mitmclaude("list", "--store", closed, **keys)
    assert done.returncode == 1
    assert done.stderr.startswith("mitmclaude: s3://bucket: ")
    assert done.stderr.count("\n") == 1


def test_the_default_store(mitmclaude: Run, tmp_path: Path) -> None:
    """Without --store and CLAUDE_STORE it is a directory of the user's, whatever directory one stands in."""
    ids = stored_in(tmp_path / "home" / ".local" / "share" / "mitmclaude" / "captures", 2).ids
    elsewhere = stored_in(tmp_path / "data" / "mitmclaude" / "captures", 1)
    assert [line.split()[-1] for line in mitmclaude("list").stdout.splitlines()] == ids
    assert json.loads(mitmclaude("show", ids[1][-8:], "--raw").stdout)["id"] == ids[1]
    assert len(mitmclaude("list", XDG_DATA_HOME=str(tmp_path / "data")).stdout.splitlines()) == 1
    assert len(mitmclaude("list", CLAUDE_STORE=str(elsewhere.root)).stdout.splitlines()) == 1


def test_list_takes_little_memory(tmp_path: Path) -> None:
    """Records are read one after the other: thousands take hardly more memory than one."""
    store = FileStore(tmp_path)
    for number in range(4000):
        made = record(number, "word " * 1000)
        store.put(record_key(made.id, AT), to_json(made))
    assert peak(tmp_path, 4000) - peak(tmp_path, 1) < 20 * 1024 * 1024


def peak(store: Path, count: int) -> int:
    """Bytes of memory that a list of so many records takes at the most."""
    program = (
        "import resource, sys; from mitmclaude.cli import app; app(sys.argv[1:], standalone_mode=False);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", program, "list", "--store", str(store), "-n", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=os.environ)
    *lines, last = done.stdout.splitlines()
    assert len(lines) == count
    return int(last) * (1 if sys.platform == "darwin" else 1024)


def test_list_of_a_directory_starts_quickly(stored: Stored) -> None:
    """Nothing is imported for it that takes long: neither mitmproxy nor the client of AWS."""
    program = (
        "import sys; from mitmclaude.cli import app; app(sys.argv[1:], standalone_mode=False);"
        "print(*(name for name in ('mitmproxy', 'boto3', 'botocore', 'genai_prices', 'asyncio') if name in sys.modules))"
    )
    command = [sys.executable, "-c", program, "list", "--store", str(stored.root), "--session", SESSIONS[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == ""
