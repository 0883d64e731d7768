"""Examine a request body: decode it, parse it, check it against the Messages API, and summarise it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mitmclaude import encoding
from mitmclaude.encoding import TooLargeError
from mitmclaude.findings import Finding, violation
from mitmclaude.headers import Headers, content_encoding
from mitmclaude.options import ValidationLevel
from mitmclaude.request import check
from mitmclaude.request.session import Session, session
from mitmclaude.request.summary import Summary, betas, summarise

DECODED = 64 * 1024 * 1024
"""Bytes of a decoded body that are examined; the API takes 32 MB."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a body holds: `body` is the parsed object, empty where it could not be parsed or is none."""

    body: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def parse_and_check(
    endpoint: Literal["messages", "count_tokens"], headers: Headers, raw: bytes, level: ValidationLevel, limit: int
) -> Examined:
    """Parse and check a body as it came; raises TooLargeError where it has more than `limit` bytes once decoded."""
    try:
        decoded = decode(headers, raw, limit)
        body = check.parse(decoded)
    except TooLargeError:
        raise
    except ValueError as error:
        return Examined({}, () if level == "off" else (violation("", str(error)),))
    findings = () if level == "off" else tuple(check.check(endpoint, body))
    return Examined(body if isinstance(body, dict) else {}, findings)


def decode(headers: Headers, raw: bytes, limit: int) -> bytes:
    """`raw` without its content encoding; raises ValueError, TooLargeError where it has more than `limit` bytes."""
    name = content_encoding(headers)
    if name.strip().lower() == "identity":
        if len(raw) > limit:
            raise TooLargeError(f"the body has {len(raw)} bytes, the limit is {limit}")
        return raw
    return encoding.decode(raw, name, limit)


def reduce(headers: Headers, body: Mapping[str, Any]) -> tuple[Summary, Session]:
    """What the record keeps of a parsed body."""
    return summarise(body, betas(headers)), session(headers, body)


def examine(
    endpoint: Literal["messages", "count_tokens"], headers: Headers, raw: bytes, level: ValidationLevel
) -> tuple[tuple[Finding, ...], Summary, Session]:
    """All of it at once, for a body that is examined out of the proxy's process."""
    try:
        examined = parse_and_check(endpoint, headers, raw, level, DECODED)
    except TooLargeError as error:
        return (violation("", str(error)),), Summary(), session(headers, {})
    return examined.findings, *reduce(headers, examined.body)
