"""Arguments and deploy.env → what to deploy."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from .template import misfit, parameters
from .tools import ROOT, WRONG, StopError, check_stack

NAMES = ("STACK", "REGION", "BASE", "ADAPTER")
"""What deploy.env may say besides parameters: the flags of the same names."""


@dataclass(frozen=True)
class Settings:
    """What to deploy; None is for what the machine says."""

    stack: str
    region: str | None
    architecture: str | None
    image: str | None
    build: tuple[str, ...]
    """Arguments for scripts/build-image."""
    parameters: Mapping[str, str]
    """Of the template, but for image and architecture."""
    sam: tuple[str, ...]
    guided: bool
    check: bool


def parsed(doc: str, arguments: Sequence[str]) -> Settings:
    """Settings from the arguments, and from a file for what they do not say."""
    own, found, sam = _cut(list(arguments), "--")
    parser = argparse.ArgumentParser(
        "scripts/deploy", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        usage="%(prog)s [--check] [--stack NAME] [--region REGION] [PARAMETER=VALUE …] [-- OPTION of sam deploy …]",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="show what would happen and what is missing; change nothing"
    )
    parser.add_argument("--stack", help="name of the stack (default: mitmclaude)")
    parser.add_argument("--region", help="AWS region (default: AWS_REGION, else what `aws configure` has)")
    parser.add_argument("--env-file", type=Path, help="file of NAME=VALUE lines (default: deploy.env, if there)")
    parser.add_argument("--image", help="an image in ECR, e.g. of a build elsewhere; nothing is built and pushed")
    parser.add_argument("--base", help="see scripts/build-image")
    parser.add_argument("--adapter", help="see scripts/build-image")
    parser.add_argument("--build-option", action="append", default=[], help="one more option of docker build")
    parser.add_argument("--guided", action="store_true", help="let sam ask for each parameter")
    parser.add_argument("parameters", nargs="*", metavar="PARAMETER=VALUE", help=f"one of {', '.join(parameters())}")
    given = parser.parse_args(own)
    values = _file(given.env_file) | _pairs(given.parameters, "arguments", list(parameters()))

    def value(name: str, argument: str | None) -> str | None:
        in_file = values.pop(name, None)
        return argument or in_file

    stack = check_stack(value("STACK", given.stack) or "mitmclaude")
    build = [
        f"--{name.lower()}={told}" for name in ("BASE", "ADAPTER") if (told := value(name, vars(given)[name.lower()]))
    ]
    region = value("REGION", given.region)
    values.setdefault("GlueDatabase", re.sub(r"[^a-z0-9]", "_", stack.lower()))
    _check(values | ({"ImageUri": given.image} if given.image else {}))
    image = value("ImageUri", given.image)
    architecture = values.pop("Architecture", None)
    return Settings(
        stack, region, architecture, image, (*build, *given.build_option), values, tuple(sam) if found else (),
        given.guided, given.check,
    )  # fmt: skip


def _file(given: Path | None) -> dict[str, str]:
    path = given or ROOT / "deploy.env"
    if given is None and not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise StopError(f"--env-file: {error}", WRONG) from None
    told = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return _pairs(told, path.name, [*NAMES, *parameters()])


def _check(values: Mapping[str, str]) -> None:
    """Stop at the values that the template does not allow, before anything is built for them."""
    known = parameters()
    wrong = [
        f"{name}={'…' if 'Secret' in name else value}: wanted {wanted}"  # somebody may give the secret itself
        for name, value in values.items()
        if (wanted := misfit(known[name], value)) is not None
    ]
    if wrong:
        raise StopError("\n        ".join(wrong), WRONG)


def _pairs(told: Sequence[str], where: str, known: Sequence[str]) -> dict[str, str]:
    values = {}
    for pair in told:
        name, equals, value = pair.partition("=")
        if not equals:
            raise StopError(f"{where}: wanted NAME=VALUE, found {pair!r}", WRONG)
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise StopError(
                f"{where}: unknown {name}, "
                + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"),
                WRONG,
            )
        values[name] = value.strip().strip("\"'")
    return values


def _cut(arguments: list[str], mark: str) -> tuple[list[str], bool, list[str]]:
    at = arguments.index(mark) if mark in arguments else len(arguments)
    return arguments[:at], mark in arguments, arguments[at + 1 :]
