"""Say a record in one line: for people at a glance, or as a flat JSON object.

`line`, `verdict` and `comment` take the row of a record as well, which whoever reads many records has at hand.
"""

from decimal import Decimal

import orjson

from mitmclaude.record.record import Record
from mitmclaude.record.row import Row, row
from mitmclaude.redact import Redactor

BOUND = "≥"
"""Before what is a lower bound: the answer ended before its usage was final."""


def line(told: Record | Row) -> str:
    """One line, e.g. ``messages opus-5-5  1.2k+9k cached → 55  $0.0123  ttft 0.8s  2.1s  complete  s:a1985f7f``."""
    of = _row(told)
    parts = [
        of.endpoint if of.endpoint != "other" else f"{of.method} {of.path[:60]}",
        _model(of),
        _tokens(of),
        _cost(of),
        f"ttft {of.ttft:.2f}s" if of.ttft is not None else None,
        f"{of.duration:.2f}s",
        verdict(of),
        f"session {of.session_id[:8]}" if of.session_id else None,
        f"agent {of.agent_id[:8]}" if of.agent_id else None,
        of.principal,
        of.id,
    ]
    return "  ".join(part for part in parts if part)


def verdict(told: Record | Row) -> str:
    """The outcome with what stands out, e.g. ``api_error 429 rate_limit_error`` or ``complete, 2 drift``."""
    of = _row(told)
    words: list[str] = [of.outcome]
    if of.status is not None and (of.status >= 400 or of.error_type or of.outcome == "stream_error"):
        words += [str(of.status), of.error_type or ""]
    first = " ".join(filter(None, words))
    if of.failure and of.outcome in ("rejected", "unreachable"):
        first += f": {of.failure[:100]}"
    counts = ((of.violations, "violations"), (of.drift, "drift"), (of.errors, "errors"))
    return ", ".join([first, *(f"{count} {word}" for count, word in counts if count)])


def comment(told: Record | Row) -> str:
    """The verdict first and short, as a column of mitmweb shows some 18 characters."""
    of = _row(told)
    sign = "" if of.outcome == "complete" and not of.violations and not of.drift else "⚠ "
    parts = [sign + verdict(of), _model(of), _tokens(of), _cost(of)]
    return " · ".join(part for part in parts if part)


def flat(told: Record | Row) -> bytes:
    """The row as one JSON object without line breaks; money is a text."""
    return orjson.dumps(_row(told)._asdict(), default=_money_as_text, option=orjson.OPT_UTC_Z)


def verbose(record: Record, redactor: Redactor | None = None) -> str:
    """The line, then redacted headers and payload, indented.

    What is printed is redacted once more: with `claude_capture=full` the record has the payload as it came. `redactor`
    is the exchange's own, which knows its credentials.
    """
    response = record.response
    shown = {
        "request": {"headers": record.request.headers, "input": record.request.input},
        "response": {"headers": response.headers, "message": response.message, "error": response.error}
        if response
        else None,
        "findings": [finding.model_dump() for finding in record.findings],
        "errors": record.errors,
    }
    clean = (redactor or Redactor()).value(shown)
    return line(record) + "\n" + orjson.dumps(clean, option=orjson.OPT_INDENT_2).decode()


def _row(told: Record | Row) -> Row:
    return row(told) if isinstance(told, Record) else told


def _money_as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"wanted a value of a row, found a {type(value).__name__}")


def _model(of: Row) -> str | None:
    return of.model.removeprefix("claude-")[:40] if of.model else None


def _tokens(of: Row) -> str | None:
    counts = of.input_tokens, of.cache_creation_input_tokens, of.cache_read_input_tokens, of.output_tokens
    if all(count is None for count in counts):
        return None
    fresh, written, read, out = (count or 0 for count in counts)
    cached = "".join(f"+{_short(count)} {word}" for count, word in ((written, "written"), (read, "cached")) if count)
    return f"{_short(fresh)}{cached} → {_bound(of)}{_short(out)}"


def _short(count: int) -> str:
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 100_000 else f"{count // 1000}k"


def _cost(of: Row) -> str | None:
    if of.cost_usd is None:
        return None
    return f"{_bound(of)}${of.cost_usd:.4f}" if of.cost_usd < 1 else f"{_bound(of)}${of.cost_usd:.2f}"


def _bound(of: Row) -> str:
    return BOUND if of.usage_is_partial else ""
