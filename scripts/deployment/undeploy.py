"""Remove the stack and its images; the data only if told so twice."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from .tools import MISSING, WRONG, StopError, absent, account, ask, check_stack, outputs, region, repository, run, shown

RECOVERY_DAYS = 7
"""For which Secrets Manager can bring the tokens back."""


def main(doc: str, arguments: Sequence[str]) -> int:
    """The script; returns its exit status."""
    parser = argparse.ArgumentParser(
        "scripts/undeploy", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--stack", default="mitmclaude", help="name of the stack (default: mitmclaude)")
    parser.add_argument("--region", help="AWS region (default: AWS_REGION, else what `aws configure` has)")
    parser.add_argument("--delete-data", action="store_true", help="delete bucket, table and tokens as well")
    parser.add_argument("--yes", action="store_true", help="do not ask before data is deleted")
    given = parser.parse_args(arguments)
    try:
        undeploy(check_stack(given.stack), given.region, delete=given.delete_data, sure=given.yes)
    except StopError as error:
        print(f"undeploy: {error}", file=sys.stderr)
        return error.status
    return 0


def undeploy(stack: str, given_region: str | None, *, delete: bool, sure: bool) -> None:
    """Do it; what holds data is named, and kept or deleted."""
    if lines := absent(["aws"]):
        raise StopError(lines[0], MISSING)
    where = region(given_region)
    if account(where) is None:
        raise StopError("no AWS credentials that work: see `aws sts get-caller-identity`, `aws configure`", MISSING)
    told = outputs(stack, where)
    if told is None:
        raise StopError(f"there is no stack {stack} in {where}")
    data = deletions(told, where)
    if delete and not sure:
        _ask_for(stack, told)
    run("aws", "cloudformation", "delete-stack", "--stack-name", stack, "--region", where)
    run("aws", "cloudformation", "wait", "stack-delete-complete", "--stack-name", stack, "--region", where)
    name = repository(stack)
    if ask("aws", "ecr", "describe-repositories", "--repository-names", name, "--region", where) is not None:
        run("aws", "ecr", "delete-repository", "--repository-name", name, "--force", "--region", where)
    if delete:
        for command in data:
            run(*command)
        print(f"{stack} is gone, data included; Secrets Manager can bring the tokens back for {RECOVERY_DAYS} days")
    else:
        print(f"{stack} is gone; its data is kept. To delete that too:")
        print("\n".join(f"    {shown(command)}" for command in data))


def deletions(told: Mapping[str, str], where: str) -> list[list[str]]:
    """The commands that delete what outlives the stack."""
    bucket, table, tokens = (told.get(name) for name in ("Bucket", "Index", "Tokens"))
    recovery = ("--recovery-window-in-days", str(RECOVERY_DAYS))
    commands = [
        ["aws", "s3", "rb", f"s3://{bucket}", "--force"] if bucket else [],
        ["aws", "dynamodb", "delete-table", "--table-name", table] if table else [],
        ["aws", "secretsmanager", "delete-secret", "--secret-id", tokens, *recovery] if tokens else [],
    ]  # fmt: skip
    return [[*command, "--region", where] for command in commands if command]


def _ask_for(stack: str, told: Mapping[str, str]) -> None:
    kept = ", ".join(told[name] for name in ("Bucket", "Index", "Tokens") if name in told)
    if not sys.stdin.isatty():
        raise StopError(f"--delete-data would delete {kept}: give --yes as well", WRONG)
    if input(f"This deletes {kept} for good. Type the stack's name to go on: ").strip() != stack:
        raise StopError("not confirmed, nothing was changed", WRONG)
