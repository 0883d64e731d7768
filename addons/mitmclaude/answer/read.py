"""Read an answer while it comes: decode its encoding, and its events or its JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mitmclaude.answer import decode
from mitmclaude.answer.block import OWN_KEYS
from mitmclaude.answer.fold import Folded, Folding
from mitmclaude.answer.seen import Seen, Watch
from mitmclaude.encoding import Decoder, TooLargeError
from mitmclaude.exchange import Chunk, Endpoint, Response
from mitmclaude.findings import Finding
from mitmclaude.headers import Headers, content_encoding, header
from mitmclaude.request import check

LIMIT: Final = 256 * 1024 * 1024
"""Bytes of decoded answer that are read; a real one has a few MB at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer said."""

    message: dict[str, Any] | None = None
    """The assembled message; for count_tokens the answer's object."""
    error: dict[str, Any] | None = None
    folded: Folded | None = None
    """Set for a streamed message, unless it could not be read to where it ended."""
    unplaced: tuple[dict[str, Any], ...] = ()
    """See `Folded.unplaced`."""
    usage_is_partial: bool = False
    """Whether a streamed message has a usage that did not come to its end."""
    seen: Seen = field(default_factory=Seen)
    findings: tuple[Finding, ...] = ()
    failure: str | None = None
    """Why it could not be read, or not to its end."""


class Reading:
    """An answer in the making. `endpoint` is the request's; `status` and `headers` are the answer's."""

    def __init__(self, endpoint: Endpoint, status: int, headers: Headers) -> None:
        self._endpoint = endpoint
        self._status = status
        self._is_stream = "text/event-stream" in (header(headers, b"content-type") or "").lower()
        self._watch = Watch()
        self._pieces: list[bytes] = []
        self._failure: str | None = None
        self._events = decode.Decoder() if self._is_stream and endpoint == "messages" else None
        self._folding = Folding()
        self._decoder: Decoder | None = None
        self._is_decoded = True
        encoding = content_encoding(headers)
        self._is_plain, self._size = encoding == "identity", 0
        try:
            self._decoder = Decoder(encoding, LIMIT)
        except ValueError as error:
            self._fail_to_decode(error)

    @property
    def decoded(self) -> bytes:
        """The body so far without its content encoding; less than that if not `is_decoded`."""
        self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    @property
    def is_decoded(self) -> bool:
        """Whether everything fed so far could be decoded, so that `decoded` holds all of it."""
        return self._is_decoded

    def feed(self, data: bytes, at: float) -> None:
        """Take a chunk; `at` is in seconds since the request's first byte. Never raises: `finish` tells of a fault."""
        self._watch.chunk(at)
        if self._decoder is None:
            return
        try:
            for piece in self._plain(data) if self._is_plain else self._decoder.pieces(data):
                self._pieces.append(piece)
                if self._events is not None:
                    self._take(self._events, piece, at)
        except Exception as error:  # noqa: BLE001  the bytes are upstream's: whatever they hold, the record is made
            self._fail_to_decode(error)

    def finish(self) -> Answer:
        """The answer as far as it came. Never raises; may be asked for again after more chunks."""
        try:
            answer = self._answer()
        except Exception as error:  # noqa: BLE001  as above
            return Answer(seen=self._watch.seen(), failure=self._failure or _named(error))
        return answer

    def _plain(self, data: bytes) -> Iterator[bytes]:
        """What a Decoder without a coding gives, at a third of its price."""
        left = LIMIT - self._size
        self._size += len(data)
        yield data[:left]
        if len(data) > left:
            raise TooLargeError(f"body is over {LIMIT} bytes")

    def _take(self, events: decode.Decoder, piece: bytes, at: float) -> None:
        try:
            for event in events.feed(piece):
                self._watch.event(event, at)
                self._folding.take(event)
        except Exception as error:  # noqa: BLE001  as above
            self._events = None
            self._failure = _named(error)

    def _fail_to_decode(self, error: Exception) -> None:
        self._decoder, self._is_decoded = None, False
        self._failure = self._failure or _named(error)

    def _answer(self) -> Answer:
        seen = self._watch.seen()
        if self._is_stream:
            return self._streamed(seen) if self._endpoint == "messages" else Answer(seen=seen, failure=self._failure)
        if self._failure or (self._endpoint not in ("messages", "count_tokens") and self._status < 400):
            return Answer(seen=seen, failure=self._failure)
        return _plain(self._endpoint, self._status, self.decoded, seen)

    def _streamed(self, seen: Seen) -> Answer:
        folded = self._folding.folded()
        findings = folded.findings
        if folded.message is not None:
            found = check.check_message(folded.message)
            findings += tuple(finding for finding in found if not finding.path.endswith(OWN_KEYS))
        is_read = self._failure is None or folded.stopped or folded.error is not None
        return Answer(
            message=folded.message,
            error=folded.error,
            folded=folded if is_read else None,
            unplaced=folded.unplaced,
            usage_is_partial=bool(folded.message and folded.message.get("usage")) and not folded.has_final_usage,
            seen=seen,
            findings=findings,
            failure=self._failure,
        )


def read(endpoint: Endpoint, response: Response) -> Answer:
    """The answer in a `response` that is there as far as it came. Never raises."""
    reading = Reading(endpoint, response.status, response.headers)
    for chunk in response.chunks or (Chunk(0.0, response.body.content),):
        reading.feed(chunk.data, chunk.at)
    return reading.finish()


def model_of(message: Mapping[str, Any] | None) -> str | None:
    """The model that answered, as the message names it."""
    model = message.get("model") if message else None
    return model if isinstance(model, str) else None


def _plain(endpoint: Endpoint, status: int, decoded: bytes, seen: Seen) -> Answer:
    if not decoded.strip():
        return Answer(seen=seen)
    try:
        body = decode.loads(decoded)
    except ValueError:
        if status >= 400:  # a proxy's HTML page, say: the raw flow has it
            return Answer(seen=seen)
        raise
    if not isinstance(body, dict):
        return Answer(seen=seen)
    if status >= 400 or body.get("type") == "error":
        error = body.get("error")
        found = tuple(check.check_error(body))
        return Answer(error=error if isinstance(error, dict) else None, seen=seen, findings=found)
    findings = check.check_message(body) if endpoint == "messages" else ()
    return Answer(message=body, seen=seen, findings=tuple(findings))


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
