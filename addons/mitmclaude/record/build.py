"""Build the record of an exchange.

A part that cannot be made leaves an entry in `errors`; the record holds the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mitmclaude import cost, usage
from mitmclaude.answer import read
from mitmclaude.answer.fold import has_output
from mitmclaude.answer.read import Answer
from mitmclaude.cost import Cost
from mitmclaude.exchange import Exchange, Request
from mitmclaude.headers import Headers, header
from mitmclaude.options import CaptureLevel
from mitmclaude.record.outcome import outcome
from mitmclaude.record.record import HeaderList, Record, RequestPart, ResponsePart
from mitmclaude.record.timing import timing
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session, client
from mitmclaude.request.summary import INPUT_KEPT, Summary, betas
from mitmclaude.usage import Usage


@dataclass(frozen=True, slots=True)
class Attempts:
    """Runs the steps that may fail and collects what failed."""

    redactor: Redactor
    errors: list[str] = field(default_factory=list)

    def run[T](self, what: str, default: T, step: Callable[..., T], *args: Any) -> T:
        """What `step` returns, or `default` and an entry in `errors`."""
        try:
            return step(*args)
        except Exception as error:  # noqa: BLE001  the record must be made whatever the wire held
            told = self.redactor.text(str(error))[:200]
            self.errors.append(f"{what}: {type(error).__name__}: {told}")
            return default


def record(exchange: Exchange, summary: Summary, session: Session, level: CaptureLevel, redactor: Redactor) -> Record:
    """The record of `exchange`; `summary` and `session` come from its request body."""
    attempts = Attempts(redactor, list(exchange.errors))
    if summary.input is None and summary.input_bytes:
        told = f"{summary.input_bytes} bytes, over {INPUT_KEPT} or nested too deep: see the raw flow"
        attempts.errors.append(f"input: {told}")
    response = exchange.response
    said = Answer()
    if response is not None:
        said = attempts.run("answer", said, read.read, exchange.endpoint, response)
    reported = usage.of_count if exchange.endpoint == "count_tokens" else usage.of
    used = attempts.run("usage", None, reported, said.message)
    made = Record(
        id=exchange.id,
        started_at=exchange.started_at,
        endpoint=exchange.endpoint,
        principal=exchange.principal,
        outcome=outcome(exchange, said.folded),
        failure=exchange.failure,
        **_named(exchange.request.headers, session),
        request=_request(exchange.request, summary, level, redactor),
        response=_response(exchange, said, level, redactor, attempts),
        usage=used,
        cost=attempts.run("cost", None, _price, exchange, said, used, summary),
        timing=timing(
            exchange.marks,
            [chunk.at for chunk in response.chunks] if response else (),
            said.events,
            said.arrivals,
            used.output_tokens if used else None,
        ),
        findings=exchange.findings + said.findings,
        errors=tuple(attempts.errors),
        invocation=exchange.invocation,
        flow=exchange.flow_key,
    )
    return _without_secrets(made, redactor)


def _named(headers: Headers, session: Session) -> dict[str, str | None]:
    who = client(headers)
    return {"client_name": who.name, "client_version": who.version, **session._asdict()}


_LOOSE = ("client_name", "client_version", "session_id", "agent_id", "parent_agent_id", "failure", "findings", "errors")
"""Fields that hold what a peer called something."""


def _without_secrets(record: Record, redactor: Redactor) -> Record:
    """The record with what peers called things redacted too: a key may stand anywhere."""
    loose = record.model_dump(mode="json", include={*_LOOSE, "usage"})
    request = record.request.model_dump(mode="json", include={"model", "effort", "thinking", "betas", "method"})
    request_id = record.response.request_id if record.response else None
    told = {"loose": loose, "request": request, "request_id": request_id}
    clean: dict[str, Any] = redactor.value(told)
    if clean == told:
        return record
    fields = dict(record) | clean["loose"] | {"request": RequestPart(**dict(record.request) | clean["request"])}
    if record.response is not None:
        fields["response"] = ResponsePart(**dict(record.response) | {"request_id": clean["request_id"]})
    return Record(**fields)


def _price(exchange: Exchange, said: Answer, used: Usage | None, summary: Summary) -> Cost | None:
    model = read.model_of(said.message) or summary.model
    if exchange.endpoint != "messages" or used is None or model is None or said.message is None:
        return None
    return cost.of(
        used,
        model,
        exchange.started_at,
        stop_reason=said.message.get("stop_reason"),
        output_started=has_output(said.message),
    )


def _request(request: Request, summary: Summary, level: CaptureLevel, redactor: Redactor) -> RequestPart:
    return RequestPart(
        **_kept(summary, level, redactor),
        method=request.method,
        path=redactor.target(request.path),
        headers=_headers(request.headers, redactor),
        betas=betas(request.headers),
        bytes=request.body.size,
        sha256=request.body.sha256,
        sha256_sent=request.body.sha256_sent,
    )


def _kept(summary: Summary, level: CaptureLevel, redactor: Redactor) -> dict[str, Any]:
    fields = dict(summary)
    if level == "metadata":
        fields["input"] = None
    elif level == "redacted":
        fields["input"] = redactor.value(summary.input)
    return fields


def _response(
    exchange: Exchange, said: Answer, level: CaptureLevel, redactor: Redactor, attempts: Attempts
) -> ResponsePart | None:
    response = exchange.response
    if response is None:
        return None
    message, error = said.message, said.error
    if level == "metadata":
        message = None
        error = {"type": error.get("type")} if error else None
    elif level == "redacted":
        message = attempts.run("redaction of the message", None, redactor.value, message)
        error = attempts.run("redaction of the error", None, redactor.value, error)
    return ResponsePart(
        status=response.status,
        headers=_headers(response.headers, redactor),
        request_id=header(response.headers, b"request-id"),
        bytes=response.body.size,
        sha256=response.body.sha256,
        sha256_sent=response.body.sha256_sent,
        message=message,
        error=error,
    )


def _headers(headers: Headers, redactor: Redactor) -> HeaderList:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in redactor.headers(headers)]
