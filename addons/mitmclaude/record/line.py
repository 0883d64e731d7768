"""Say a record in one line: for people at a glance, or as a flat JSON object."""

from decimal import Decimal
from typing import Any

import orjson

from mitmclaude.record.record import Record


def line(record: Record) -> str:
    """One line, e.g. ``messages opus-5-5  1.2k+9k cached → 55  $0.0123  ttft 0.8s  2.1s  complete  s:a1985f7f``."""
    parts = [
        record.endpoint if record.endpoint != "other" else f"{record.request.method} {record.request.path[:60]}",
        _model(record),
        _tokens(record),
        f"${_money(record.cost.total)}" if record.cost else None,
        f"ttft {record.timing.ttft:.2f}s" if record.timing.ttft is not None else None,
        f"{record.timing.duration:.2f}s",
        verdict(record),
        f"session {record.session_id[:8]}" if record.session_id else None,
        f"agent {record.agent_id[:8]}" if record.agent_id else None,
        record.principal,
        record.id,
    ]
    return "  ".join(part for part in parts if part)


def verdict(record: Record) -> str:
    """The outcome with what stands out, e.g. ``api_error 429 rate_limit_error`` or ``complete, 2 drift``."""
    words: list[str] = [record.outcome]
    if record.response and (record.response.status >= 400 or record.response.error):
        error = record.response.error or {}
        words += [str(record.response.status), str(error.get("type") or "")]
    if record.outcome in ("rejected", "unreachable"):
        refusal = (record.response.error if record.response else None) or {}
        words.append(": " + str(refusal.get("message") or record.failure or "")[:100].partition("\n")[0])
    counts = [
        f"{len(found)} {word}"
        for word, found in (
            ("violations", [f for f in record.findings if f.kind == "violation"]),
            ("drift", [f for f in record.findings if f.kind == "drift"]),
            ("errors", record.errors),
        )
        if found
    ]
    return ", ".join([" ".join(filter(None, words)).replace(" : ", ": "), *counts])


def comment(record: Record) -> str:
    """The verdict first and short, as a column of mitmweb shows some 18 characters."""
    sign = "" if record.outcome == "complete" and not record.findings else "⚠ "
    parts = [
        sign + verdict(record),
        _model(record),
        _tokens(record),
        f"${_money(record.cost.total)}" if record.cost else None,
    ]
    return " · ".join(part for part in parts if part)


def flat(record: Record) -> bytes:
    """One JSON object without line breaks."""
    return orjson.dumps(fields(record), option=orjson.OPT_UTC_Z)


def fields(record: Record) -> dict[str, Any]:
    """What one filters and adds up by."""
    usage = record.usage.model_dump(exclude_unset=True) if record.usage else {}
    return {
        "id": record.id,
        "started_at": record.started_at,
        "endpoint": record.endpoint,
        "outcome": record.outcome,
        "status": record.response.status if record.response else None,
        "principal": record.principal,
        "session_id": record.session_id,
        "agent_id": record.agent_id,
        "model": _model_name(record),
        **{name: usage.get(name) for name in TOKENS},
        "cost_usd": str(record.cost.total) if record.cost else None,
        "ttft": record.timing.ttft,
        "duration": record.timing.duration,
        "violations": sum(finding.kind == "violation" for finding in record.findings),
        "drift": sum(finding.kind == "drift" for finding in record.findings),
        "errors": record.errors,
    }


TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def verbose(record: Record) -> str:
    """The line, then redacted headers and payload, indented."""
    response = record.response
    shown = {
        "request": {"headers": record.request.headers, "input": record.request.input},
        "response": {"headers": response.headers, "message": response.message, "error": response.error}
        if response
        else None,
        "findings": [finding.model_dump() for finding in record.findings],
        "errors": record.errors,
    }
    return line(record) + "\n" + orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()


def _model_name(record: Record) -> str | None:
    answered = record.response.message.get("model") if record.response and record.response.message else None
    return answered if isinstance(answered, str) else record.request.model


def _model(record: Record) -> str | None:
    name = _model_name(record)
    return name.removeprefix("claude-")[:40] if name else None


def _tokens(record: Record) -> str | None:
    if record.usage is None:
        return None
    reported = record.usage.model_dump(exclude_unset=True)
    fresh, written, read, out = (_count(reported.get(name)) for name in TOKENS)
    cached = "".join(f"+{_short(count)} {word}" for count, word in ((written, "written"), (read, "cached")) if count)
    return f"{_short(fresh)}{cached} → {_short(out)}"


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _short(count: int) -> str:
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 100_000 else f"{count // 1000}k"


def _money(amount: Decimal) -> str:
    return f"{amount:.4f}" if amount < 1 else f"{amount:.2f}"
