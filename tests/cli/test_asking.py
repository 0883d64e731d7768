"""The commands that ask the captures: what they print, as files that a person has read, and what they refuse.

After a change that is meant: ``UPDATE_GOLDEN=1 pytest tests/cli/test_asking.py``, then read the difference.
"""

import csv
import io
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mitmclaude.cli.schema import asked_schema
from mitmclaude.record.record import Record
from mitmclaude.record.row import row
from mitmclaude.stores.file import FileStore
from tests.cli.conftest import Run
from tests.library.captures import captures

GOLDEN = Path(__file__).parents[1] / "golden" / "library"
SCHEMA = json.loads((Path(__file__).parents[2] / "schema" / "asked.schema.json").read_text())
TREE = "48f165d5"
COMMANDS = {
    "sessions": ("sessions",),
    "sessions_filtered": ("sessions", "--since", "2026-11-04T10:00", "--principal", "ann"),
    "session": ("sessions", TREE),
    "report": ("report",),
    "report_by_two": ("report", "--by", "principal,model", "--until", "2026-11-02"),
    "report_csv": ("report", "--by", "day", "--by", "outcome", "--csv"),
    "search": ("search", "retry policy"),
    "search_regex": ("search", "--regex", r"lorem (ipsum|dolor) s\w+", "--in", "tool", "-n", "3"),
    "sql": ("sql", "select outcome, count(*) as calls, sum(cost_usd) as cost from calls group by outcome order by 1"),
    "list": ("list", "--outcome", "failed"),
    "sessions_json": ("sessions", "-n", "1", "--json"),
    "report_json": ("report", "--by", "version", "--json"),
    "search_json": ("search", "retry policy", "-n", "1", "--json"),
    "sql_json": ("sql", "select count(*) as calls, max(started_at) as last from calls", "--json"),
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 90 captures of three days."""
    store = FileStore(tmp_path_factory.mktemp("asked") / "store")
    for key, content in captures(90, days=3, seed=16):
        store.put(key, content)
    return store.root


@pytest.fixture(scope="module")
def records(root: Path) -> list[Record]:
    store = FileStore(root)
    return [Record.model_validate_json(store.get(key)) for key in store.keys("records/")]


def test_published_schema() -> None:
    """schema/asked.schema.json is what the types say: run `mitmclaude schema --asked > schema/asked.schema.json`."""
    assert json.loads(asked_schema()) == SCHEMA


@pytest.mark.parametrize("name", COMMANDS)
def test_golden(root: Path, mitmclaude: Run, name: str) -> None:
    """What is printed is what a person has read."""
    done = mitmclaude(*COMMANDS[name], "--store", root)
    assert (done.stderr, done.returncode) == ("", 0)
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(done.stdout)
    assert done.stdout == file.read_text()


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.endswith("_json")])
def test_json_fits_its_schema(root: Path, mitmclaude: Run, name: str) -> None:
    """What --json prints fits the published schema, and has a version."""
    told = json.loads(mitmclaude(*COMMANDS[name], "--store", root).stdout)
    assert told["version"] == 1
    jsonschema.validate(told, SCHEMA)


def test_json_of_a_session_fits_its_schema(root: Path, mitmclaude: Run) -> None:
    """The tree of a session as well."""
    told = json.loads(mitmclaude("sessions", TREE, "--json", "--store", root).stdout)
    jsonschema.validate(told, SCHEMA)
    (top,) = told["session"]["agents"]
    assert top["total"]["calls"] == told["session"]["calls"] == 19
    assert len(top["agents"]) == 2


def test_a_session_by_its_place(root: Path, mitmclaude: Run) -> None:
    """`last` and -1 are the newest, -2 the one before; beyond the first there is none."""
    newest, before = [
        json.loads(mitmclaude("sessions", name, "--json", "--store", root).stdout) for name in ("last", "-2")
    ]
    listed = json.loads(mitmclaude("sessions", "--json", "--store", root).stdout)["sessions"]
    assert [newest["session"]["session_id"], before["session"]["session_id"]] == [
        one["session_id"] for one in listed[:2]
    ]
    assert "wanted the session number 9999 from the newest" in mitmclaude("sessions", "-9999", "--store", root).stderr


@pytest.mark.parametrize("by", ["model", "principal", "day", "session", "agent", "version", "principal,model,outcome"])
def test_report_is_the_sum_of_the_records(root: Path, records: list[Record], mitmclaude: Run, by: str) -> None:
    """Calculated independently, in Decimal, to the last digit."""
    columns = {"session": "session_id", "agent": "agent_id", "version": "client_version"}
    cost: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    tokens: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0, 0])
    for record in records:
        told = row(record)
        values = [
            f"{told.started_at:%Y-%m-%d}" if name == "day" else getattr(told, columns.get(name, name))
            for name in by.split(",")
        ]
        key = tuple(value or "" for value in values)
        cost[key] += told.cost_usd or 0
        counts = told.input_tokens, told.cache_creation_input_tokens, told.cache_read_input_tokens, told.output_tokens
        for at, count in enumerate((1, *counts, told.outcome != "complete")):
            tokens[key][at] += count or 0
    printed = csv.DictReader(io.StringIO(mitmclaude("report", "--by", by, "--csv", "--store", root).stdout))
    found = {tuple(line[name] for name in by.split(",")): line for line in printed}
    assert found.keys() == cost.keys()
    names = (
        "calls",
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
        "failed",
    )
    for key, line in found.items():
        assert Decimal(line["cost_usd"]) == cost[key]
        assert [int(line[name]) for name in names] == tokens[key]
    total = json.loads(mitmclaude("report", "--json", "--store", root).stdout)["report"]["total"]
    assert Decimal(total["cost_usd"]) == sum(cost.values())


def test_report_html(root: Path, mitmclaude: Run, tmp_path: Path) -> None:
    """One page that loads nothing, with a plot for each measure."""
    done = mitmclaude("report", "--by", "day", "--html", tmp_path / "report.html", "--store", root)
    assert done.stdout == f"wrote {tmp_path / 'report.html'}\n"
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 5
    assert "Drift by client version" in page
    assert "default-src 'none'" in page
    assert not re.search(r"<script|https?://|<link|<img", page)


def test_sessions_are_those_of_the_records(root: Path, records: list[Record], mitmclaude: Run) -> None:
    """Each session with its calls, agents and cost."""
    told = json.loads(mitmclaude("sessions", "--json", "-n", "99", "--store", root).stdout)["sessions"]
    by_session: dict[str | None, list[Record]] = defaultdict(list)
    for record in records:
        by_session[record.session_id].append(record)
    assert {one["session_id"] for one in told} == by_session.keys()
    for one in told:
        calls = by_session[one["session_id"]]
        assert one["calls"] == len(calls)
        assert one["agents"] == len({call.agent_id for call in calls} | {None})
        assert Decimal(one["cost_usd"]) == sum((call.cost.total for call in calls if call.cost), Decimal(0))
        assert one["failed"] == sum(call.outcome != "complete" for call in calls)
    assert [one["started_at"] for one in told] == sorted((one["started_at"] for one in told), reverse=True)


WRONG: dict[tuple[str, ...], tuple[int, str]] = {
    ("sessions", "--since", "soon"): (2, "--since: wanted a date (2026-11-24), a time"),
    ("sessions", "--outcome", "bad"): (2, "--outcome: wanted failed or one of complete, api_error"),
    ("sessions", "zzz"): (1, "no session has an id that begins with 'zzz': wanted one"),
    ("sessions", "--principal", "nobody"): (1, "no call that was asked for"),
    ("report", "--by", "colour"): (2, "--by: wanted principal, model, day"),
    ("report", "--principal", "nobody"): (1, "no call that was asked for"),
    ("search", "zebra"): (1, "no call has 'zebra' in its prompt or answer or tool"),
    ("search", ""): (2, "wanted a text to search for"),
    ("search", "x", "--in", "heart"): (2, "wanted prompt, answer, tool, found 'heart'"),
    ("search", "--regex", "("): (2, "--regex: "),
    ("sql", "select nonsense from calls"): (2, "Binder Error"),
    ("sql", "drop view calls"): (2, "wanted one SELECT"),
    ("list", "--principal", "nobody"): (1, "no record that was asked for in "),
    ("report", "--html", "/no/such/folder/x.html"): (1, "cannot write /no/such/folder/x.html: No such file"),
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_is_refused(root: Path, mitmclaude: Run, arguments: tuple[str, ...]) -> None:
    """One line that says what was found and what was wanted."""
    status, told = WRONG[arguments]
    done = mitmclaude(*arguments, "--store", root)
    assert done.stderr.startswith(f"mitmclaude: {told}")
    assert (done.stderr.count("\n"), done.stdout, done.returncode) == (1, "", status)


@pytest.mark.parametrize("command", [("sessions",), ("report",), ("search", "x"), ("sql", "select 1"), ("tail",)])
def test_no_store(mitmclaude: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    """A directory that is not there is named, and is not made."""
    done = mitmclaude(*command, "--store", tmp_path / "none")
    assert (done.stderr, done.returncode) == (
        f"mitmclaude: no directory {tmp_path / 'none'}: nothing was captured there\n",
        1,
    )
    assert not (tmp_path / "none").exists()


def test_one_corrupt_object(mitmclaude: Run, tmp_path: Path) -> None:
    """It is named on stderr with its path, and the answer is of all others."""
    store = FileStore(tmp_path / "store")
    for key, content in captures(20, days=1):
        store.put(key, content)
    bad = tmp_path / "store" / next(iter(store.keys("records/")))
    bad.write_bytes(b"{")
    done = mitmclaude("report", "--by", "endpoint", "--json", "--store", tmp_path / "store")
    assert json.loads(done.stdout)["report"]["total"]["calls"] == 19
    assert done.stderr.startswith(f"skipped {bad}: damaged, or no JSON")
    assert (done.stderr.count("\n"), done.returncode) == (1, 0)


def test_hostile_texts(mitmclaude: Run, tmp_path: Path) -> None:
    """What a client sent neither moves a terminal's cursor nor becomes markup or a formula."""
    store = FileStore(tmp_path / "store")
    (key, content), *_ = captures(1)
    told = json.loads(content)
    told["principal"] = "=cmd()"
    told["session_id"] = "\x1b[2Jx"
    told["request"]["input"] = [{"role": "user", "content": "<b>[red]\x1b[31mhello\x07 there"}]
    told["request"]["model"] = told["response"]["model"] = "<script>alert(1)</script>"
    store.put(key, json.dumps(told).encode())
    for command in (("sessions",), ("report", "--by", "principal,model,session"), ("search", "hello"), ("list",)):
        done = mitmclaude(*command, "--store", tmp_path / "store")
        assert done.returncode == 0
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", done.stdout)
    assert "'=cmd()" in mitmclaude("report", "--by", "principal", "--csv", "--store", tmp_path / "store").stdout
    mitmclaude("report", "--html", tmp_path / "page.html", "--store", tmp_path / "store")
    assert "<script" not in (tmp_path / "page.html").read_text()


def test_sql_from_a_pipe(root: Path, mitmclaude: Run, tmp_path: Path) -> None:
    """Without a statement they are read line by line; a wrong one ends nothing."""
    command = [str(Path(sys.executable).with_name("mitmclaude")), "sql", "--csv", "--store", str(root)]
    asked = "select 1 as one\nselec\nselect 2 as two;\n"
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=60, env=environment(tmp_path))
    assert done.stdout == "one\n1\ntwo\n2\n"
    assert "Parser Error" in done.stderr
    assert done.returncode == 0


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}


def test_tail(tmp_path: Path) -> None:
    """What is there already, then each call as it comes; Ctrl-C ends it without a word."""
    store = FileStore(tmp_path / "store")
    made = list(captures(6, days=1))
    for key, content in made[:4]:
        store.put(key, content)
    command = [
        str(Path(sys.executable).with_name("mitmclaude")),
        "tail",
        "-n",
        "2",
        "--json",
        "--store",
        str(store.root),
    ]
    environ = environment(tmp_path) | {"PYTHONUNBUFFERED": "1"}
    tailing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    try:
        lines = followed(tailing)
        assert [next(lines)["id"] for _ in range(2)] == [json.loads(content)["id"] for _, content in made[2:4]]
        for key, content in made[4:]:
            store.put(key, content)
            assert next(lines)["id"] == json.loads(content)["id"]
    finally:
        tailing.send_signal(2)
        _, told = tailing.communicate(timeout=20)
    assert told == ""


def followed(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    """What it prints, as it prints it; each line within a minute."""
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    out = process.stdout
    threading.Thread(target=lambda: deque(map(lines.put, out), maxlen=0), daemon=True).start()
    while True:
        yield json.loads(lines.get(timeout=60))


def test_completion(mitmclaude: Run) -> None:
    """The shell completes the commands."""
    done = mitmclaude(_MITMCLAUDE_COMPLETE="complete_bash", COMP_WORDS="mitmclaude se", COMP_CWORD="1")
    assert set(done.stdout.split()) == {"search", "sessions"}
