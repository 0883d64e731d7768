"""The tools on PATH, and what they tell of the account."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "lambda_image" / "template.yaml"

FAILED, WRONG, MISSING = 1, 2, 3
"""Exit statuses: a step failed, wrong arguments, something is not there."""

HOW = {
    "docker": "https://docs.docker.com/engine/install/",
    "sam": "`uv tool install aws-sam-cli`, or https://docs.aws.amazon.com/serverless-application-model/",
    "aws": "`uv tool install awscli`, or https://docs.aws.amazon.com/cli/",
}
"""Where to get each tool."""


class StopError(Exception):
    """Ends the script with a line and an exit status."""

    def __init__(self, line: str, status: int = FAILED) -> None:
        super().__init__(line)
        self.status = status


def absent(names: Sequence[str]) -> list[str]:
    """One line for each tool that is not there."""
    lines = [f"{name} is not on PATH: {HOW[name]}" for name in names if shutil.which(name) is None]
    if not lines and "docker" in names and ask("docker", "version", "--format", "{{.Server.Version}}") is None:
        lines.append("Docker does not answer: is it running, and may this user use it?")
    return lines


def ask(*command: str) -> str | None:
    """What a command prints; None where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=_environment())
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def run(*command: str, feed: str | None = None) -> None:
    """Show a command and run it; what it prints goes to stderr."""
    print(f"$ {shown(command)}", file=sys.stderr, flush=True)
    done = subprocess.run(command, input=feed, text=True, stdout=sys.stderr, env=_environment())
    if done.returncode:
        raise StopError(f"{Path(command[0]).name} {command[1]} ended with status {done.returncode}, see above")


def shown(command: Sequence[str]) -> str:
    """A command as one types it, from the top folder."""
    return shlex.join(word.replace(f"{ROOT}{os.sep}", "") for word in command)


def region(given: str | None) -> str:
    """The region that is given, or that the aws tool would take."""
    found = given or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    found = found or ask("aws", "configure", "get", "region")
    if not found:
        raise StopError("no region: wanted --region REGION, or AWS_REGION in the environment", WRONG)
    return found


def account(where: str) -> str | None:
    """The account that the credentials belong to; None without credentials."""
    return ask("aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text", "--region", where)


def outputs(stack: str, where: str) -> Mapping[str, str] | None:
    """The outputs of a stack; None where there is none."""
    query = ("--query", "Stacks[0].Outputs", "--output", "json")
    told = ask("aws", "cloudformation", "describe-stacks", "--stack-name", stack, "--region", where, *query)
    return None if told is None else {row["OutputKey"]: row["OutputValue"] for row in json.loads(told) or ()}


def repository(stack: str) -> str:
    """The name of the stack's repository in ECR."""
    return stack.lower()


def check_stack(name: str) -> str:
    """The name of a stack, if it is one."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,99}", name):
        raise StopError(f"--stack {name!r}: wanted letters, digits and hyphens", WRONG)
    return name


def _environment() -> dict[str, str]:
    return {"AWS_PAGER": "", "SAM_CLI_TELEMETRY": "0", **os.environ}
