"""The request and the answer of an exchange → their parts of the record, as far as the capture level keeps them."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from mitmclaude.answer import read
from mitmclaude.answer.read import Answer
from mitmclaude.exchange import Body, Request, Response
from mitmclaude.headers import Headers, header
from mitmclaude.record.record import HeaderList, Unplaced
from mitmclaude.redact import Redactor
from mitmclaude.request.summary import Summary, betas

type Fields = dict[str, Any]
"""Fields of a model, by name."""

LONGEST: Final = 256
"""Characters kept of a model's name and its like."""

MOST_UNPLACED: Final = 100
"""Events that the record keeps though they have no place in the message."""

MOST_UNPLACED_BYTES: Final = 64 * 1024
"""Bytes of their JSON together."""


def of_request(request: Request, redactor: Redactor) -> Fields:
    """What stands in the request line and the headers."""
    return {
        "path": redactor.target(request.path),
        "headers": _headers(request.headers, redactor),
        **_body(request.body),
    }


def request_names(request: Request, summary: Summary, is_clean: bool) -> Fields:
    """What a request calls things, yet to be redacted; without what comes of the body if that `is_clean`."""
    names: Fields = {"method": request.method, "betas": list(betas(request.headers))}
    if not is_clean:
        cache = summary.cache
        names |= {name: getattr(summary, name) for name in ("model", "effort", "thinking")}
        names |= {"tools": [name for name, _ in cache.tools]}
        names |= {"breakpoints": list(cache.breakpoints or ()), "settings": cache.settings}
    return names


def with_names(summary: Summary, names: Fields) -> Fields:
    """The fields of `summary` with the redacted `names`."""
    fields = dict(summary) | names | {"betas": tuple(names["betas"])}
    if "tools" not in names:
        return fields
    cache = summary.cache
    tools = tuple((name, one[1]) for name, one in zip(fields.pop("tools"), cache.tools, strict=True))
    marks, settings = tuple(fields.pop("breakpoints")), fields.pop("settings")
    if cache.breakpoints is not None:
        fields["cache"] = cache.model_copy(update={"tools": tools, "breakpoints": marks, "settings": settings})
    return fields


def of_response(response: Response, redactor: Redactor) -> Fields:
    """What stands in the status line and the headers."""
    return {
        "status": response.status,
        "headers": _headers(response.headers, redactor),
        **_body(response.body),
    }


def response_names(response: Response, said: Answer, with_error: bool) -> Fields:
    """What an answer calls things, yet to be redacted; of its error only the type if not `with_error`."""
    error = said.error if with_error or not said.error else {"type": said.error.get("type")}
    return {
        "request_id": header(response.headers, b"request-id"),
        "model": _short(read.model_of(said.message)),
        "stop_reason": _short((said.message or {}).get("stop_reason")),
        "error": error,
    }


def first_unplaced(unplaced: Sequence[Fields]) -> list[Fields]:
    """The first of them, as far as a record keeps them."""
    left, kept = MOST_UNPLACED_BYTES, []
    for one in unplaced[:MOST_UNPLACED]:
        left -= len(orjson.dumps(one))
        if left < 0:
            break
        kept.append(one)
    return kept


def unplaced_parts(unplaced: Sequence[Fields]) -> tuple[Unplaced, ...]:
    """They as parts of the record."""
    return tuple(Unplaced.model_construct(event=one["event"][:LONGEST], data=one["data"]) for one in unplaced)


def _body(body: Body) -> Fields:
    return {"bytes": body.size, "sha256": body.sha256, "sha256_sent": body.sha256_sent}


def _headers(headers: Headers, redactor: Redactor) -> HeaderList:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in redactor.headers(headers)]


def _short(value: object) -> str | None:
    return value[:LONGEST] if isinstance(value, str) else None
