"""Build the image, push it, deploy the stack."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence

from .settings import Settings, parsed
from .tools import (
    MISSING,
    ROOT,
    TEMPLATE,
    StopError,
    absent,
    account,
    ask,
    outputs,
    region,
    repository,
    run,
    shown,
)

ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""Lambda's names, and Docker's."""

KEPT_IMAGES = 10
RESERVED = 50
"""Default of the template's ReservedConcurrency."""
UNRESERVED = 100
"""What AWS wants an account to leave unreserved."""


def main(doc: str, arguments: Sequence[str]) -> int:
    """The script; returns its exit status."""
    try:
        settings = parsed(doc, arguments)
        return check(settings) if settings.check else deploy(settings)
    except StopError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return error.status


def deploy(settings: Settings) -> int:
    """Do it."""
    if lines := absent(tools(settings)):
        raise StopError("\n        ".join(lines), MISSING)
    where = region(settings.region)
    if (owner := account(where)) is None:
        raise StopError("no AWS credentials that work: see `aws sts get-caller-identity`, `aws configure`", MISSING)
    run(*validate(where))
    _check_concurrency(settings, where)
    architecture = settings.architecture or (None if settings.image else machine())
    image = settings.image or _pushed(settings, architecture, owner, where)
    run(*sam_deploy(settings, image, architecture, where))
    told = outputs(settings.stack, where)
    if not told or not {"Url", "Tokens"} <= told.keys():
        raise StopError(f"the stack {settings.stack} tells no URL: see `aws cloudformation describe-stacks`")
    print(ready(told, where))
    return 0


def _pushed(settings: Settings, architecture: str | None, owner: str, where: str) -> str:
    """Build the image and push it, if it is not there yet; its name by digest."""
    name = repository(settings.stack)
    local = f"{name}:deploy"
    run(*build(settings, architecture, local))
    tag = (ask("docker", "image", "inspect", "--format", "{{.Id}}", local) or "").rpartition(":")[2][:16]
    if not tag:
        raise StopError(f"docker does not know the image {local} that was just built")
    registry = registry_of(owner, where)
    if ask("aws", "ecr", "describe-repositories", "--repository-names", name, "--region", where) is None:
        run(*create_repository(name, where))
        run(*expire_images(name, where))
    if _digest(name, tag, where) is None:
        if (password := ask("aws", "ecr", "get-login-password", "--region", where)) is None:
            raise StopError("ECR gives no password: may these credentials call ecr:GetAuthorizationToken?")
        run("docker", "login", "--username", "AWS", "--password-stdin", registry, feed=password)
        run("docker", "tag", local, f"{registry}/{name}:{tag}")
        run("docker", "push", f"{registry}/{name}:{tag}")
    if (digest := _digest(name, tag, where)) is None:
        raise StopError(f"{registry}/{name}:{tag} was pushed, but ECR does not know it")
    return f"{registry}/{name}@{digest}"


def _digest(name: str, tag: str, where: str) -> str | None:
    query = ("--query", "imageDetails[0].imageDigest", "--output", "text")
    names = ("--repository-name", name, "--image-ids", f"imageTag={tag}")
    return ask("aws", "ecr", "describe-images", *names, *query, "--region", where)


def _check_concurrency(settings: Settings, where: str) -> None:
    """Say before anything is built that the account cannot reserve so much; a stack that exists has it already."""
    wanted = settings.parameters.get("ReservedConcurrency", str(RESERVED))
    if not wanted.isdecimal() or wanted == "0" or settings.guided or outputs(settings.stack, where) is not None:
        return
    query = ("--query", "AccountLimit.UnreservedConcurrentExecutions", "--output", "text")
    free = ask("aws", "lambda", "get-account-settings", *query, "--region", where)
    if free and free.isdecimal() and int(free) - int(wanted) < UNRESERVED:
        raise StopError(
            f"this account may run {free} functions at once and must leave {UNRESERVED} unreserved, but "
            f"ReservedConcurrency is {wanted}: give ReservedConcurrency={max(0, int(free) - UNRESERVED)} "
            "(0: no bound of its own), or have the account's limit raised (Service Quotas, Lambda)"
        )


def tools(settings: Settings) -> list[str]:
    """The tools that are needed."""
    return ["sam", "aws"] if settings.image else ["docker", "sam", "aws"]


def machine() -> str:
    """The architecture that Docker builds for here."""
    told = ask("docker", "version", "--format", "{{.Server.Arch}}") or ""
    if told not in ARCHITECTURES:
        raise StopError(f"Docker builds for {told or 'an unknown architecture'}: give Architecture=arm64 or x86_64")
    return ARCHITECTURES[told]


def validate(where: str) -> list[str]:
    """The command that checks the template; no credentials needed."""
    return ["sam", "validate", "--lint", "--template-file", str(TEMPLATE), "--region", where]


def registry_of(owner: str, where: str) -> str:
    """The host of the account's repositories."""
    return f"{owner}.dkr.ecr.{where}.amazonaws.com" + (".cn" if where.startswith("cn-") else "")


def build(settings: Settings, architecture: str | None, local: str) -> list[str]:
    """The command that builds the image."""
    foreign = [f"--platform={PLATFORMS[architecture]}"] if architecture in PLATFORMS and settings.architecture else []
    return [str(ROOT / "scripts/build-image"), f"--tag={local}", *foreign, *settings.build]


def create_repository(name: str, where: str) -> list[str]:
    """The command that makes the repository for the images."""
    more = ["--image-tag-mutability", "IMMUTABLE", "--image-scanning-configuration", "scanOnPush=true"]
    return ["aws", "ecr", "create-repository", "--repository-name", name, *more, "--region", where]


def expire_images(name: str, where: str) -> list[str]:
    """The command that lets old images go."""
    rule = {
        "rulePriority": 1,
        "description": f"the newest {KEPT_IMAGES}",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
        "action": {"type": "expire"},
    }
    policy = json.dumps({"rules": [rule]}, separators=(",", ":"))
    names = ["--repository-name", name, "--lifecycle-policy-text", policy]
    return ["aws", "ecr", "put-lifecycle-policy", *names, "--region", where]


def sam_deploy(settings: Settings, image: str, architecture: str | None, where: str) -> list[str]:
    """The command that deploys; the image is there, and sam is told its repository because it insists on one."""
    built = {"Architecture": architecture} if architecture else {}
    values = {"ImageUri": image, **built, **settings.parameters}
    return [
        "sam", "deploy",
        *("--template-file", str(TEMPLATE), "--stack-name", settings.stack, "--region", where),
        *("--capabilities", "CAPABILITY_IAM", "--image-repository", re.sub(r"[@:][^/]*$", "", image)),
        *("--no-fail-on-empty-changeset",),
        *(["--guided"] if settings.guided else ["--no-confirm-changeset"]),
        *settings.sam,
        *("--parameter-overrides", *(f"{name}={_quoted(value)}" for name, value in values.items())),
    ]  # fmt: skip


def _quoted(value: str) -> str:
    """A value as sam wants it: it takes quotes for itself, and an empty one only in quotes."""
    plain = value and not set(value) & set(" \"'\\")
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def ready(told: Mapping[str, str], where: str) -> str:
    """What to do now."""
    url = told["Url"].rstrip("/")
    header = "ANTHROPIC_AUTH_TOKEN=TOKEN" if "OrgKey" in told else 'ANTHROPIC_CUSTOM_HEADERS="x-capture-token: TOKEN"'
    return "\n".join(
        [
            *(f"{name:<10} {value}" for name, value in told.items()),
            "",
            "A token for each person; it is shown once (scripts/setup makes .venv):",
            f"    export AWS_DEFAULT_REGION={where}",
            f"    .venv/bin/mitmclaude token new NAME --tokens 'secretsmanager:{told['Tokens']}'",
            "",
            "In the shell that starts Claude Code:",
            f"    export ANTHROPIC_BASE_URL={url} ENABLE_TOOL_SEARCH=true",
            f"    export {header}",
        ]
    )


def check(settings: Settings) -> int:
    """Show what would happen; the exit status tells whether anything but credentials is missing."""
    lines = absent(tools(settings))
    where = architecture = None
    try:
        where = region(settings.region)
        architecture = settings.architecture or (None if settings.image or lines else machine())
    except StopError as error:
        lines.append(str(error))
    owner = account(where) if where else None
    image = (
        settings.image or f"{registry_of(owner or 'ACCOUNT', where or 'REGION')}/{repository(settings.stack)}@DIGEST"
    )
    valid = bool(where) and ask(*validate(where or "")) is not None
    if where and not valid and not any(line.startswith("sam ") for line in lines):
        lines.append(f"the template is wrong: {shown(validate(where))}")
    known = {
        "stack": settings.stack,
        "region": where or "none",
        "account": owner or "unknown: no AWS credentials that work here",
        "architecture": architecture or "as it is, or the template's default",
        "image": image,
        "template": "valid" if valid else "not checked, or wrong",
        **{f"  {name}": value for name, value in settings.parameters.items()},
        "  all others": "as in the stack, or by default as in lambda_image/template.yaml",
    }
    print("\n".join(f"{name:<22}{value}" for name, value in known.items()))
    print("would run")
    for command in commands(settings, image, architecture, where or "REGION"):
        print(f"    {shown(command)}")
    for line in lines:
        print(f"deploy: {line}", file=sys.stderr)
    return MISSING if lines else 0


def commands(settings: Settings, image: str, architecture: str | None, where: str) -> list[list[str]]:
    """All that changes something, in order."""
    name = repository(settings.stack)
    registry = image.partition("/")[0]
    push = [
        build(settings, architecture, f"{name}:deploy"),
        create_repository(name, where),
        expire_images(name, where),
        ["docker", "login", "--username", "AWS", "--password-stdin", registry],
        ["docker", "tag", f"{name}:deploy", f"{registry}/{name}:ID"],
        ["docker", "push", f"{registry}/{name}:ID"],
    ]
    return [*([] if settings.image else push), sam_deploy(settings, image, architecture, where)]
