"""A machine whose docker, sam and aws only note what they are asked, and answer as told."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

NEEDED = ("cat", "dirname", "env", "git", "id", "mktemp", "printenv", "rm", "sed", "sh")

STUB = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["STUBS"])
call = [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]
feed = "" if sys.stdin.isatty() or call[:2] != ["docker", "login"] else sys.stdin.read()
log = folder / "log"
before = [json.loads(line)["call"] for line in log.read_text().splitlines()] if log.exists() else []
kept = {{name: os.environ[name] for name in ("BUILDX_NO_DEFAULT_ATTESTATIONS", "SAM_CLI_TELEMETRY") if name in os.environ}}
with log.open("a") as file:
    file.write(json.dumps({{"call": call, "feed": feed, "environment": kept}}) + "\\n")
for rule in json.loads((folder / "rules").read_text()):
    begin, after = rule["call"], rule["after"]
    if call[: len(begin)] == begin and (not after or any(each[: len(after)] == after for each in before)):
        print(rule["says"])
        sys.exit(rule["status"])
"""


@dataclass
class Machine:
    """Runs a script of ours; the rules that match first win, and what matches none succeeds and says nothing."""

    folder: Path
    rules: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def on(self, call: str, says: str = "", status: int = 0, after: str = "") -> None:
        """Answer a command that begins so, if need be only after another."""
        self.rules.insert(0, {"call": call.split(), "says": says, "status": status, "after": after.split()})

    def without(self, *tools: str) -> None:
        """Remove tools."""
        for tool in tools:
            (self.folder / "bin" / tool).unlink()

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/<script> to its end."""
        (self.folder / "rules").write_text(json.dumps(self.rules))
        program = ROOT / "scripts" / script
        shebang = program.read_text().splitlines()[0]
        return subprocess.run(
            [sys.executable if "python" in shebang else "/bin/sh", program, *arguments],
            capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
            env={"PATH": str(self.folder / "bin"), "STUBS": str(self.folder), "HOME": str(self.folder), **self.environment},
        )  # fmt: skip

    @property
    def log(self) -> list[dict[str, Any]]:
        """What was asked of the tools."""
        path = self.folder / "log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def calls(self, begin: str = "") -> list[list[str]]:
        """The commands that begin so."""
        words = begin.split()
        return [row["call"] for row in self.log if row["call"][: len(words)] == words]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """All three tools are there and work, in an account where nothing is deployed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    for name in ("docker", "sam", "aws"):
        (folder / name).write_text(STUB.format(python=sys.executable))
        (folder / name).chmod(0o755)
    made = Machine(tmp_path)
    made.on("docker version --format {{.Server.Arch}}", "amd64")
    made.on("docker image inspect --format {{.Id}}", "sha256:0123456789abcdef0123456789abcdef")
    made.on("aws sts get-caller-identity", "123456789012")
    made.on("aws configure get region", status=1)
    made.on("aws ecr describe-repositories", status=254)
    made.on("aws ecr describe-images", status=254)
    made.on("aws ecr describe-images", "sha256:" + "d" * 64, after="docker push")
    made.on("aws ecr get-login-password", "pass-word")
    made.on("aws lambda get-account-settings", "1000")
    made.on("aws cloudformation describe-stacks", status=254)
    return made
