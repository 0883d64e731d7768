"""`mitmclaude show`, `conversation`, `cache`, `diff` and `context`: names, bodies, what is missing, what is hostile."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mitmclaude.record.record import record_key, to_json
from mitmclaude.request.session import Session
from mitmclaude.stores.file import FileStore
from tests.cli.conftest import Run, Stored
from tests.library import story
from tests.library.calls import SESSION, body_of, record_of, text, use, user

COMMANDS = (("show",), ("conversation",), ("cache", "last"), ("diff", "-2"), ("context",))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("story") / "store"
    story.write(root)
    return root


def without_flows(root: Path) -> Path:
    story.write(root)
    for path in (root / "flows").glob("*/*"):
        path.unlink()
    return root


def test_names(store: Path, mitmclaude: Run) -> None:
    """A call by the beginning or the end of its id, the newest, the one before; several are refused."""
    for name, number in (("00000003", 3), ("last", 8), ("-1", 8), ("-2", 7)):
        shown = json.loads(mitmclaude("show", name, "--raw", "--store", store).stdout)
        assert shown["id"].endswith(f"{number:08x}")
        assert shown["id"] in mitmclaude("show", name, "--store", store).stdout
    for command in (("show", "01a2"), ("diff", "01a2", "last"), ("context", "01a2")):
        done = mitmclaude(*command, "--store", store)
        assert (done.stdout, done.returncode) == ("", 1)
        assert "12 records have an id that begins or ends with '01a2'" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_session_by_any_name(store: Path, mitmclaude: Run) -> None:
    """By its id, by an agent of it, by a call of it, or the newest."""
    main = mitmclaude("conversation", "16a12cbc", "--store", store).stdout
    assert main == mitmclaude("conversation", "00000002", "--store", store).stdout
    child = mitmclaude("conversation", "a3f09c", "--store", store).stdout
    assert child == mitmclaude("conversation", "000001f5", "--store", store).stdout
    assert child != main
    done = mitmclaude("conversation", "nothing", "--store", store)
    assert (done.stdout, done.returncode, done.stderr.count("\n")) == ("", 1, 1)


def test_bodies(store: Path, mitmclaude: Run) -> None:
    """The request and the answer as they were sent."""
    assert json.loads(mitmclaude("show", "last", "--request", "--store", store).stdout)["model"] == "claude-opus-5"
    answer = json.loads(mitmclaude("show", "last", "--response", "--store", store).stdout)
    assert answer["content"] == [{"type": "text", "text": "Yes: SHOP-17."}]


def test_without_raw_flows(tmp_path: Path, mitmclaude: Run) -> None:
    """What needs them says so; the rest is told from records."""
    root = without_flows(tmp_path / "store")
    done = mitmclaude("show", "last", "--request", "--store", root)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.endswith("is not kept\n")
    told = mitmclaude("diff", "-2", "last", "--store", root)
    assert "is not kept: texts that no record has are not compared" in told.stdout
    assert "+ tool mcp__jira__search" in told.stdout
    assert "+ Is there an issue for it?" in told.stdout
    told = mitmclaude("context", "--store", root)
    assert "put together from records" in told.stdout
    assert "system prompt and tools, together" in told.stdout


def test_a_damaged_raw_flow(tmp_path: Path, mitmclaude: Run) -> None:
    """It is told in one line, and the command goes on from records."""
    root = tmp_path / "store"
    story.write(root)
    for path in (root / "flows").glob("*/*"):
        path.write_bytes(b"hello")
    assert "cannot be read" in mitmclaude("diff", "-2", "last", "--store", root).stdout
    done = mitmclaude("show", "--response", "--store", root)
    assert (done.stdout, done.returncode, done.stderr.count("\n")) == ("", 1, 1)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_an_empty_store(command: tuple[str, ...], tmp_path: Path, mitmclaude: Run) -> None:
    """It is told in one line."""
    done = mitmclaude(*command, "--store", tmp_path)
    assert (done.stdout, done.returncode, done.stderr.count("\n")) == ("", 1, 1)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_records_without_a_session(command: tuple[str, ...], stored: Stored, mitmclaude: Run) -> None:
    """Those of other clients are told as well, or it is said why not."""
    for number in range(6):
        path = stored.record(number)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"session_id": None}))
    done = mitmclaude(*command, "--store", stored.root)
    assert "Traceback" not in done.stderr
    if command[0] in ("conversation", "cache"):
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    else:
        assert done.returncode == 0


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_records_of_version_1(command: tuple[str, ...], tmp_path: Path, mitmclaude: Run) -> None:
    """They are read as well."""
    earlier = json.loads((Path(__file__).parents[1] / "golden" / "records" / "version_1.json").read_text())
    store = FileStore(tmp_path / "store")
    for number in range(2):
        made = earlier | {"id": f"01a20372-5a7f-7b3c-8a00-ced43f02ef{number:02}"}
        store.put(f"records/date=2026-11-22/{made['id']}.json", json.dumps(made).encode())
    done = mitmclaude(*command, "--store", tmp_path / "store")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout


def hostile(root: Path) -> Path:
    """A session whose every text would like to command the terminal."""
    evil = "\x1b[2J\x1b]0;owned\x07\u202e[bold]x[/bold]\r"
    session = Session(SESSION, None, None)
    call = use(evil, 1, **{evil: evil})
    body = body_of([user(evil), {"role": "system", "content": evil}], tools=[{"name": evil, "description": evil}])
    other = body_of([user(evil), {"role": evil, "content": evil}, user({"type": evil, "x": evil})])
    store = FileStore(root)
    for number, one in enumerate((body, other)):
        made = record_of(one, {"input_tokens": 5}, (text(evil), call), number, number=number, session=session)
        store.put(record_key(made.id, made.started_at), to_json(made))
    return root


@pytest.mark.parametrize("command", [*COMMANDS, ("show", "--full"), ("conversation", "--full")], ids=" ".join)
def test_hostile_texts(command: tuple[str, ...], tmp_path: Path, mitmclaude: Run) -> None:
    """Nothing of a prompt or an answer reaches the terminal as a command, and no markup is obeyed."""
    done = mitmclaude(*command, "--store", hostile(tmp_path / "store"))
    assert (done.stderr, done.returncode) == ("", 0)
    assert not [char for char in done.stdout if not char.isprintable() and char != "\n"]
    if command[0] == "show":
        assert "[bold]x[/bold]" in done.stdout


def test_on_a_terminal(store: Path, tmp_path: Path) -> None:
    """There are colours, and long lines are broken with their indentation."""
    (tmp_path / "home").mkdir()
    for command in (("conversation",), ("diff", "-2"), ("cache",), ("context",), ("show", "00000002")):
        ours, theirs = pty.openpty()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "TERM": "xterm-256color",
            "COLUMNS": "70",
        }
        script = Path(sys.executable).with_name("mitmclaude")
        process = subprocess.Popen(
            [script, *command, "--store", store], env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        printed = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            printed += piece
        os.close(ours)
        assert process.wait(30) == 0, printed
        assert b"\x1b[" in printed
        assert b"Traceback" not in printed


def test_cache_clear(store: Path, mitmclaude: Run) -> None:
    """It empties the local cache, and the next question is answered all the same."""
    before = mitmclaude("cache", "--store", store).stdout
    done = mitmclaude("cache", "clear", "--store", store)
    assert (done.stderr, done.returncode) == ("", 0)
    assert mitmclaude("cache", "--store", store).stdout == before


def test_cache_with_nothing_to_tell(store: Path, mitmclaude: Run) -> None:
    """A sentence, where no call was a miss; and where no call is selected."""
    told = mitmclaude("cache", "--until", "2026-11-22T09:30", "--store", store)
    assert told.stdout.startswith("No miss in 9 calls; ")
    done = mitmclaude("cache", "--model", "haiku", "--store", store)
    assert (done.stdout, done.stderr, done.returncode) == ("", "mitmclaude: no call of these has a usage\n", 1)
