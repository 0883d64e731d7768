"""Build the record of an exchange.

A part that cannot be made leaves an entry in `errors`; the record holds the rest. What is known to hold no secret is
not looked at again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mitmclaude import __version__, cost, usage
from mitmclaude.answer import read
from mitmclaude.answer.fold import has_output
from mitmclaude.answer.read import Answer
from mitmclaude.cost import Cost
from mitmclaude.exchange import Exchange
from mitmclaude.findings import Finding
from mitmclaude.options import CaptureLevel
from mitmclaude.record import parts
from mitmclaude.record.outcome import outcome
from mitmclaude.record.record import Record, RequestPart, ResponsePart
from mitmclaude.record.timing import timing
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session, client
from mitmclaude.request.summary import INPUT_KEPT, Summary
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
            self.tell(what, f"{type(error).__name__}: {error}")
            return default

    def tell(self, what: str, failure: str) -> None:
        """Add an entry to `errors`."""
        self.errors.append(f"{what}: {self.redactor.text(failure)[:200]}")


def record(
    exchange: Exchange,
    summary: Summary,
    session: Session,
    level: CaptureLevel,
    redactor: Redactor,
    *,
    answer: Answer | None = None,
    request_is_clean: bool = False,
    answer_is_clean: bool = False,
) -> Record:
    """The record of `exchange`; `summary` and `session` come from its request body.

    `answer` is what a `Reading` gave for it; without one the response is read here. `request_is_clean` says that
    `redactor` finds nothing in the request's body, `answer_is_clean` that it finds nothing in the answer's body nor in
    the joined deltas of its stream: then what comes of them is not looked at again. Headers always are.
    """
    look = _Look(level, redactor, request_is_clean, answer_is_clean)
    attempts = Attempts(redactor, list(exchange.errors))
    if summary.input is None and summary.input_bytes:
        told = f"{summary.input_bytes} bytes, over {INPUT_KEPT} or nested too deep: see the raw flow"
        attempts.errors.append(f"input: {told}")
    said = _said(exchange, answer, attempts)
    reported = usage.of_count if exchange.endpoint == "count_tokens" else usage.of
    used = attempts.run("usage", None, reported, said.message)
    price = attempts.run("cost", None, _price, exchange, said, used, summary)
    content = _content(summary, said, look, attempts)
    names = _names(exchange, summary, session, said, look)
    clean = _clean(names, used, exchange.findings + said.findings, tuple(attempts.errors), look)
    final_tokens = used.output_tokens if used and not said.usage_is_partial else None
    return Record.model_construct(
        made_by=__version__,
        id=exchange.id,
        started_at=exchange.started_at,
        endpoint=exchange.endpoint,
        principal=exchange.principal,
        outcome=outcome(exchange, said.folded),
        **clean.names["record"],
        request=_request(exchange, summary, content, clean.names["request"], redactor),
        response=_response(exchange, said, content, clean.names["response"], redactor),
        usage=clean.usage,
        usage_is_partial=said.usage_is_partial,
        cost=price,
        timing=timing(exchange.marks, said.seen, final_tokens),
        findings=clean.findings,
        errors=clean.errors,
        invocation=exchange.invocation,
        flow=exchange.flow_key,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What is kept of the bodies, and what is known of secrets in them."""

    level: CaptureLevel
    redactor: Redactor
    request_is_clean: bool
    answer_is_clean: bool


class _Content(NamedTuple):
    """What is kept of the bodies."""

    input: list[Any] | None
    message: dict[str, Any] | None
    unplaced: Sequence[dict[str, Any]]


def _said(exchange: Exchange, answer: Answer | None, attempts: Attempts) -> Answer:
    if answer is None:
        answer = read.read(exchange.endpoint, exchange.response) if exchange.response else Answer()
    if answer.failure:
        attempts.tell("answer", answer.failure)
    return answer


def _content(summary: Summary, said: Answer, look: _Look, attempts: Attempts) -> _Content:
    if look.level == "metadata":
        return _Content(None, None, ())
    asked, redact = summary.input, look.redactor.value
    answered: list[Any] = [said.message, parts.first_unplaced(said.unplaced)]
    if look.level == "redacted" and not look.request_is_clean:
        asked = attempts.run("redaction of the input", None, redact, asked)
    if look.level == "redacted" and not look.answer_is_clean:
        answered = attempts.run("redaction of the message", [None, []], redact, answered)
    return _Content(asked, *answered)


def _names(exchange: Exchange, summary: Summary, session: Session, said: Answer, look: _Look) -> parts.Fields:
    """What peers called things, yet to be redacted: fields of the record itself, of the request and of the response."""
    who = client(exchange.request.headers)
    told = {"client_name": who.name, "client_version": who.version, "failure": exchange.failure, **session._asdict()}
    response = exchange.response
    return {
        "record": told,
        "request": parts.request_names(exchange.request, summary, look.request_is_clean),
        "response": parts.response_names(response, said, look.level != "metadata") if response else None,
    }


class _Clean(NamedTuple):
    """What peers called things, and what we say of it, without secrets."""

    names: parts.Fields
    usage: Usage | None
    findings: tuple[Finding, ...]
    errors: tuple[str, ...]


def _clean(
    names: parts.Fields, used: Usage | None, findings: tuple[Finding, ...], errors: tuple[str, ...], look: _Look
) -> _Clean:
    """All of it in one look: a key may stand anywhere."""
    told: parts.Fields = {"names": names, "errors": list(errors)}
    if used and not look.answer_is_clean:
        told["usage"] = used.model_dump(mode="json", exclude_unset=True)
    if not (look.request_is_clean and look.answer_is_clean):
        told["findings"] = [finding.model_dump() for finding in findings]
    clean = look.redactor.value(told)
    if clean is told:
        return _Clean(names, used, findings, errors)
    if "usage" in clean:
        used = Usage.model_validate(clean["usage"])
    if "findings" in clean:
        findings = tuple(Finding.model_construct(**one) for one in clean["findings"])
    return _Clean(clean["names"], used, findings, tuple(clean["errors"]))


def _request(
    exchange: Exchange, summary: Summary, content: _Content, names: parts.Fields, redactor: Redactor
) -> RequestPart:
    fields = parts.with_names(summary, names) | parts.of_request(exchange.request, redactor)
    return RequestPart.model_construct(**fields | {"input": content.input})


def _response(
    exchange: Exchange, said: Answer, content: _Content, names: parts.Fields, redactor: Redactor
) -> ResponsePart | None:
    if exchange.response is None:
        return None
    return ResponsePart.model_construct(
        **names,
        **parts.of_response(exchange.response, redactor),
        message=content.message,
        unplaced=parts.unplaced_parts(content.unplaced),
        unplaced_left_out=len(said.unplaced) - len(content.unplaced),
    )


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
