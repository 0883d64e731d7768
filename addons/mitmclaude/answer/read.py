"""Read an answer as far as it came: decode its encoding, its events or its JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mitmclaude.answer import decode, fold
from mitmclaude.answer.block import OWN_KEYS
from mitmclaude.answer.fold import Folded
from mitmclaude.encoding import Decoder
from mitmclaude.exchange import Chunk, Endpoint, Response
from mitmclaude.findings import Finding
from mitmclaude.headers import content_encoding, header
from mitmclaude.request import check

LIMIT = 256 * 1024 * 1024
"""Bytes of decoded answer that are read; a real one has a few MB at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer said."""

    message: dict[str, Any] | None = None
    """The assembled message; for count_tokens the answer's object."""
    error: dict[str, Any] | None = None
    folded: Folded | None = None
    """Set for a streamed message."""
    events: Sequence[decode.Event] = ()
    arrivals: Sequence[tuple[int, float]] = ()
    findings: tuple[Finding, ...] = ()


def read(endpoint: Endpoint, response: Response) -> Answer:
    """Read `response`; raises ValueError where its encoding or its JSON cannot be read."""
    chunks = response.chunks or (Chunk(0.0, response.body.content),)
    decoded, arrivals = _decoded(chunks, content_encoding(response.headers))
    if "text/event-stream" in (header(response.headers, b"content-type") or "").lower():
        return _streamed(decoded, arrivals) if endpoint == "messages" else Answer(arrivals=arrivals)
    if endpoint not in ("messages", "count_tokens") and response.status < 400:
        return Answer(arrivals=arrivals)
    return _plain(endpoint, response.status, decoded)


def _streamed(decoded: bytes, arrivals: Sequence[tuple[int, float]]) -> Answer:
    events = decode.decode(decoded)
    folded = fold.fold(events)
    findings = folded.findings
    if folded.message is not None:
        found = check.check_message(folded.message)
        findings += tuple(finding for finding in found if not finding.path.endswith(OWN_KEYS))
    return Answer(folded.message, folded.error, folded, events, arrivals, findings)


def _plain(endpoint: Endpoint, status: int, decoded: bytes) -> Answer:
    if not decoded.strip():
        return Answer()
    try:
        body = decode.loads(decoded)
    except ValueError:
        if status >= 400:  # a proxy's HTML page, say: the raw flow has it
            return Answer()
        raise
    if not isinstance(body, dict):
        return Answer()
    if status >= 400 or body.get("type") == "error":
        error = body.get("error")
        return Answer(error=error if isinstance(error, dict) else None, findings=tuple(check.check_error(body)))
    findings = check.check_message(body) if endpoint == "messages" else ()
    return Answer(message=body, findings=tuple(findings))


def _decoded(chunks: Sequence[Chunk], content_encoding: str) -> tuple[bytes, list[tuple[int, float]]]:
    decoder = Decoder(content_encoding, LIMIT)
    parts: list[bytes] = []
    arrivals: list[tuple[int, float]] = []
    size = 0
    for chunk in chunks:
        part = decoder.feed(chunk.data)
        parts.append(part)
        size += len(part)
        arrivals.append((size, chunk.at))
    return b"".join(parts), arrivals


def model_of(message: Mapping[str, Any] | None) -> str | None:
    """The model that answered, as the message names it."""
    model = message.get("model") if message else None
    return model if isinstance(model, str) else None
