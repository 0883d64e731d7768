"""A record → what is printed of a call for people."""

from collections.abc import Iterator
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from mitmclaude.cli import told
from mitmclaude.cli.asking import Column, console, print_table
from mitmclaude.library.content import blocks_of, role_of, size
from mitmclaude.record.line import BOUND, verdict
from mitmclaude.record.record import Record
from mitmclaude.usage import Usage


def print_call(record: Record, full: bool) -> None:
    """Verdict, new input, answer, usage with cost, timing, findings."""
    out = console()
    _head(out, record)
    _input(out, record, full)
    _answer(out, record, full)
    _usage(out, record)
    _timing(out, record)
    _findings(out, record)


def _head(out: Console, record: Record) -> None:
    request, response = record.request, record.response
    stop = f", {response.stop_reason}" if response and response.stop_reason else ""
    status = f" {response.status}" if response and record.outcome == "complete" else ""
    out.print(Text.assemble((told.clean(f"{verdict(record)}{status}{stop}"), _style(record)), f"  {record.id}"))
    model = (response.model if response else None) or request.model
    thinking = (request.thinking or {}).get("type", "disabled")
    _facts(
        out,
        f"{record.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
        record.endpoint if record.endpoint != "other" else f"{request.method} {request.path}",
        model,
        f"asked for {request.model}" if request.model and model != request.model else None,
        f"{request.effort} effort" if request.effort else None,
        f"{thinking} thinking" if thinking != "disabled" else None,
        "streamed" if request.stream else None,
    )
    _facts(
        out,
        f"session {record.session_id}" if record.session_id else None,
        f"agent {record.agent_id}" if record.agent_id else None,
        f"started by {record.parent_agent_id}" if record.parent_agent_id else None,
        record.principal,
        " ".join(filter(None, (record.client_name, record.client_version))),
    )
    if record.endpoint in ("messages", "count_tokens"):
        counts = (
            f"{request.message_count} messages, {request.tool_count} tools, {len(request.cache.system)} system blocks"
        )
        most = f"max_tokens {request.max_tokens:,}" if request.max_tokens else None
        _facts(out, f"{counts}, {size(request.bytes)}", most)
    if record.failure:
        out.print(Text(told.clean(record.failure), "red"))


def _style(record: Record) -> str:
    if record.outcome != "complete":
        return "bold red"
    return "bold yellow" if record.findings else "bold green"


def _facts(out: Console, *parts: str | None) -> None:
    if any(parts):
        out.print(Text(told.clean("  ".join(filter(None, parts))), "dim"))


def _input(out: Console, record: Record, full: bool) -> None:
    request = record.request
    if request.input is None:
        if request.input_bytes:
            told.heading(out, "New in this call", f"{size(request.input_bytes)}, not kept in the record: see --request")
        return
    earlier = request.message_count - len(request.input)
    told.heading(out, "New in this call", f"after {earlier} earlier messages" if earlier else "")
    for message in request.input:
        role = role_of(message) or "?"
        out.print(Text(f"  {told.clean(role)}", told.ROLES.get(role, "bold")))
        for block in told.blocks(message, full, by=4):
            out.print(block)


def _answer(out: Console, record: Record, full: bool) -> None:
    response = record.response
    if response is None:
        return
    if response.error:
        told.heading(out, "Error", " ".join(filter(None, (str(response.status), response.request_id))))
        out.print(told.indented(f"{response.error.get('type')}: {response.error.get('message')}", style="red"))
    if response.message and blocks_of(response.message):
        cut = "" if record.outcome == "complete" else f"as far as it came: {record.outcome}"
        told.heading(out, "Answer", "  ".join(filter(None, (response.request_id, cut))))
        for block in told.blocks(response.message, full):
            out.print(block)
    for one in response.unplaced[:5]:
        out.print(told.indented(f"[event {one.event} has no place in the message]", style="dim"))


def _usage(out: Console, record: Record) -> None:
    usage, cost = record.usage, record.cost
    if usage is None:
        return
    total = "cost unknown" if cost is None else f"{BOUND if record.usage_is_partial else ''}${_usd(cost.total)}"
    told.heading(out, "Usage", f"{total}{'' if cost is None else f', list price of {cost.model}'}")
    print_table(
        (Column("  part"), Column("tokens", "right"), Column("usd", "right")),
        [
            (f"  {name}", bound + f"{count:,}", "" if usd is None else _usd(usd))
            for name, count, bound, usd in _parts(record, usage)
        ],
    )


def _parts(record: Record, usage: Usage) -> Iterator[tuple[str, int, str, Decimal | None]]:
    """Each count that was reported, with its cost."""
    cost, partial = record.cost, BOUND if record.usage_is_partial else ""
    short, hour = usage.cache_writes or (None, None)
    details, tools = usage.output_tokens_details, usage.server_tool_use
    counts = (
        ("input, not cached", usage.input_tokens, "", cost and cost.input),
        ("written to the cache, 5 min", short, "", cost and cost.cache_write_5m),
        ("written to the cache, 1 h", hour or None, "", cost and cost.cache_write_1h),
        ("read from the cache", usage.cache_read_input_tokens, "", cost and cost.cache_read),
        ("output", usage.output_tokens, partial, cost and cost.output),
        ("  of it thinking", details.thinking_tokens if details else None, partial, None),
        ("web searches", (tools.web_search_requests if tools else None) or None, "", cost and cost.web_search),
    )
    return ((name, count, bound, usd or None) for name, count, bound, usd in counts if count is not None)


def _usd(usd: Decimal) -> str:
    return f"{usd.normalize():f}"


def _timing(out: Console, record: Record) -> None:
    timing = record.timing
    marks = (
        ("request sent", timing.request_end),
        ("answer began", timing.first_byte),
        ("first content", timing.first_content_delta),
        ("last byte", timing.last_byte),
        ("client gone", timing.client_gone),
        ("end", timing.duration),
    )
    speed = f"{timing.output_tokens_per_second:.0f} tokens/s" if timing.output_tokens_per_second else None
    gap = f"longest gap {timing.longest_gap:.2f} s" if timing.longest_gap else None
    ttft = f"first token after {timing.ttft:.2f} s" if timing.ttft is not None else None
    told.heading(out, "Timing", ", ".join(filter(None, (ttft, speed, gap))))
    out.print(told.indented("  ".join(f"{name} {at:.2f} s" for name, at in marks if at is not None)))


def _findings(out: Console, record: Record) -> None:
    if record.findings:
        told.heading(out, "Findings")
        for finding in record.findings:
            style = "red" if finding.kind == "violation" else "yellow"
            out.print(told.indented(f"{finding.kind}  {finding.path or '(body)'}: {finding.message}", style=style))
    for error in record.errors:
        out.print(told.indented(f"error of ours  {error}", style="red"))
