"""The parameters of lambda_image/template.yaml, and whether a value fits one; read without a YAML library."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .tools import TEMPLATE


def parameters() -> Mapping[str, Mapping[str, str]]:
    """Each parameter with its fields of one line, such as Type, Default and MinValue, as they stand there."""
    section = re.search(r"^Parameters:\n((?:[ #].*\n|\n)+)", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE)
    blocks = re.findall(r"^  (\w+):\n((?:    .*\n)+)", section[1], re.MULTILINE) if section else []
    return {name: dict(re.findall(r"^    (\w+): (.+)$", block, re.MULTILINE)) for name, block in blocks}


def misfit(parameter: Mapping[str, str], value: str) -> str | None:
    """What CloudFormation would want in place of `value`; None where it fits."""
    if choices := parameter.get("AllowedValues"):
        allowed = [choice.strip().strip("\"'") for choice in choices.strip("[]").split(",")]
        return None if value in allowed else f"one of {', '.join(allowed)}"
    if parameter["Type"] == "Number":
        low, high = int(parameter["MinValue"]), int(parameter["MaxValue"])
        fits = re.fullmatch(r"[0-9]{1,9}", value) and low <= int(value) <= high
        return None if fits else f"a whole number from {low} to {high}"
    if (pattern := parameter.get("AllowedPattern")) and not re.fullmatch(pattern, value):
        wanted = parameter["ConstraintDescription"]
        return wanted[0].lower() + wanted[1:]
    return None
