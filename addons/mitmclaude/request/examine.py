"""A request body → the parsed object, and what the check against the Messages API found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mitmclaude.findings import Finding, violation
from mitmclaude.options import ValidationLevel
from mitmclaude.request import check
from mitmclaude.request.check import Endpoint

LONGEST: Final = 64 * 1024 * 1024
"""Bytes of a decoded body that are examined; the API takes 32 MB."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a body holds: `body` is the parsed object, empty where it could not be parsed or is none."""

    body: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def examine(endpoint: Endpoint, plain: bytes, level: ValidationLevel) -> Examined:
    """Parse and check a body without content encoding; never raises for what it holds."""
    if len(plain) > LONGEST:
        return unreadable(f"the body has {len(plain)} bytes, the limit is {LONGEST}", level)
    try:
        body = check.parse(plain)
    except ValueError as error:
        return unreadable(str(error), level)
    findings = () if level == "off" else tuple(check.check(endpoint, body))
    return Examined(body if isinstance(body, dict) else {}, findings)


def unreadable(reason: str, level: ValidationLevel) -> Examined:
    """What there is of a body that cannot be read for `reason`."""
    return Examined({}, () if level == "off" else (violation("", reason),))
