"""Turns the body of a request, or a part of an answer, into findings: what is malformed and what is new.

The models in `mitmclaude.schema` are the rule; they follow https://platform.claude.com/docs/en/api/messages. Findings
are worded here and not by pydantic, for two reasons: a body must not leak into a log, and Claude Code reads the API's
pydantic texts ("Extra inputs are not permitted") as an order to stop using a feature.
"""

from collections.abc import Mapping
from functools import cache
from types import NoneType
from typing import Any, Final, Literal

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from mitmclaude import schema
from mitmclaude.findings import Finding, drift, violation

Endpoint = Literal["messages", "count_tokens"]

MAX_FINDINGS: Final = 100
MAX_KEY: Final = 64
"""Characters shown of a key in a path: clients choose the keys that the schema does not know."""
MAX_DEPTH: Final = 1024
"""Levels of nesting that orjson reads; the API takes fewer."""

_BOM: Final = b"\xef\xbb\xbf"
_ROOTS: Final[Mapping[str, Any]] = {
    "messages": schema.MessagesRequest,
    "count_tokens": schema.CountTokensRequest,
    "message": schema.Message,
    "error": schema.ErrorBody,
}
_JSON_TYPES: Final[Mapping[type, str]] = {
    NoneType: "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_WANTED: Final[Mapping[str, str]] = {
    "bool_type": "a boolean",
    "dict_type": "an object",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "an object",
    "string_type": "a string",
}
"""By pydantic's name of the error: https://docs.pydantic.dev/latest/errors/validation_errors"""


class MalformedBody(ValueError):  # noqa: N818 - it names what was found, as Denied does
    """A body that is not JSON; its text is fit for a client, and never quotes the body."""


def parse(body: bytes) -> object:
    """The JSON value of `body`, after a byte order mark if there is one; of a repeated key the last value counts.

    Raises `MalformedBody`, with the byte at which reading stopped where there is one. Stricter than `json.loads` and
    as strict as the API: no NaN, no lone surrogates.
    """
    text = body.removeprefix(_BOM)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reason, position = _unreadable(text, error)
        place = "" if position is None else f" at byte {position + len(body) - len(text)}"
        raise MalformedBody(f"the body is {reason}{place}") from None


def check(endpoint: Endpoint, body: object) -> list[Finding]:
    """Violations, then drift, of a parsed request body; at most `MAX_FINDINGS`, and one that says how many follow."""
    return _findings(endpoint, body)


def check_message(message: object) -> list[Finding]:
    """Drift of a whole answer, as sent or as folded from a stream. An answer is never refused, so all is drift."""
    return _as_drift(_findings("message", message))


def check_error(body: object) -> list[Finding]:
    """Drift of the body of an answer with a status of 400 or more."""
    return _as_drift(_findings("error", body))


@cache
def _adapter(root: str) -> TypeAdapter[object]:
    # Built at the first use: each takes tens of milliseconds, and most commands check nothing.
    return TypeAdapter(_ROOTS[root])


def _findings(root: str, value: object) -> list[Finding]:
    try:
        # The limit is wider than what is shown, so that drift in front does not hide a violation behind it.
        _adapter(root).validate_python(value, context=schema.Reporting(limit=10 * MAX_FINDINGS))
    except ValidationError as error:
        found = [_finding(detail, value) for detail in error.errors(include_url=False)]
        found.sort(key=lambda finding: finding.kind == "drift")
        return _shortened(found)
    return []


def _finding(error: ErrorDetails, value: object) -> Finding:
    path = _path(error["loc"], value)
    match error["type"]:
        case "drift":
            return drift(path, error["msg"])
        case "missing":
            return violation(path, "required field is missing")
        case "wanted":
            wanted = error["msg"]
        case other:
            wanted = _WANTED.get(other, "something else")
    return violation(path, f"wanted {wanted}, found {_json_type(error['input'], wanted)}")


def _json_type(value: object, wanted: str) -> str:
    if isinstance(value, float) and wanted == _WANTED["int_type"]:
        return "a fraction"
    return _JSON_TYPES.get(type(value), "something that is not JSON")


def _path(loc: tuple[int | str, ...], value: object) -> str:
    """The keys and indices of `loc` in `value`, without the arms of unions that pydantic adds to them."""
    parts = []
    for count, part in enumerate(loc, start=1):
        inside = isinstance(value, dict) and part in value
        # A key of the client's own that looks like an arm can only be the last part: nothing is looked for in it.
        if isinstance(part, str) and part.startswith("<") and not (inside and count == len(loc)):
            continue
        parts.append(_shown(str(part)))
        if inside or (isinstance(value, list) and isinstance(part, int)):
            value = value[part]  # type: ignore[index]
    return ".".join(parts)


def _shown(key: str) -> str:
    short = key if len(key) <= MAX_KEY else f"{key[: MAX_KEY - 1]}…"
    return "".join(char if char.isprintable() else "\ufffd" for char in short)


def _shortened(found: list[Finding]) -> list[Finding]:
    more = found[MAX_FINDINGS:]
    if not more:
        return found
    rest = Finding(kind=more[0].kind, path="", message=f"at least {len(more)} more like these, not listed")
    return [*found[:MAX_FINDINGS], rest]


def _as_drift(found: list[Finding]) -> list[Finding]:
    return [drift(finding.path, finding.message) for finding in found]


def _unreadable(text: bytes, error: orjson.JSONDecodeError) -> tuple[str, int | None]:
    """What is wrong with `text`, and the byte where it is."""
    try:
        text.decode()
    except UnicodeDecodeError as undecodable:
        return "not UTF-8", undecodable.start
    if not text.strip():
        return "empty", None
    position = len(error.doc[: error.pos].encode())
    rest = error.doc[error.pos :]
    if "surrogate" in error.msg:
        return "not JSON: a string holds half of a surrogate pair", position
    if "depth" in error.msg or "recursion" in error.msg:
        return f"not readable: nested deeper than {MAX_DEPTH} levels", position
    if rest.lstrip("-").startswith(("NaN", "Infinity")):
        return "not JSON: NaN and Infinity are no JSON numbers", position
    if not rest.strip():
        return "not complete: it ends", position
    return "not JSON: it cannot be read", position
