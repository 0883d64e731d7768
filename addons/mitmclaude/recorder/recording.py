"""One call under way → its record and its raw flow.

Each step is done as early as it can be: the request's half while upstream works, the answer's half as it comes.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

import orjson
import zstandard

from mitmclaude.answer.read import Answer, Reading
from mitmclaude.exchange import Body, Chunk, Exchange, Marks, Request, Response, arrivals
from mitmclaude.findings import Finding, drift
from mitmclaude.headers import Headers
from mitmclaude.record import build, rawflow
from mitmclaude.record.rawflow import Frame, Looked, State
from mitmclaude.record.record import flow_key, record_key, to_json
from mitmclaude.recorder.messages import Arrived, Came, Changed, Ended, Opened
from mitmclaude.redact import Redactor, credentials
from mitmclaude.request.examine import Examined, examine, unreadable
from mitmclaude.request.session import Session, session
from mitmclaude.request.summary import Summary, betas, summarise


@dataclass(frozen=True, slots=True)
class Kept:
    """What goes to the store: the record as JSON, and all objects by key, the record among them."""

    record: bytes
    objects: dict[str, bytes]


class Recording:
    """Takes what is told of a call, in order."""

    def __init__(self, opened: Opened, compressor: zstandard.ZstdCompressor) -> None:
        self.opened = opened
        self._compressor = compressor
        secrets = credentials(opened.headers, opened.path) | opened.credentials
        self._redactor = _redactor(opened.fingerprint_key, secrets)
        self._request = _RequestHalf(opened, self._redactor, compressor)
        self._chunks: list[Arrived] = []
        self._hash = hashlib.sha256()
        self._head: tuple[int, Headers] | None = None
        self._reading: Reading | None = None

    def examine(self) -> tuple[Finding, ...]:
        """What the check of the request's body finds."""
        return self._request.examined.findings

    def prepare(self) -> None:
        """Do all that can be done before there is an answer."""
        self._request.summary  # noqa: B018
        self._request.digest  # noqa: B018
        if self.opened.capture != "metadata" and self.opened.keeps_body:
            self._request.frame  # noqa: B018

    def feed(self, came: Came) -> None:
        """Take pieces of the answer."""
        if came.status is not None and self._head is None:
            self._head = came.status, came.headers
            self._reading = Reading(self.opened.endpoint, *self._head)
        for at, data in came.chunks:
            self._hash.update(data)
            if self._reading is not None and data:
                self._reading.feed(data, at - self.opened.began)
        self._chunks += came.chunks

    @property
    def so_far(self) -> Ended:
        """The end of a call whose proxy is gone, as far as it is known here."""
        times = [at - self.opened.began for at, _ in self._chunks]
        first, last = (times[0], times[-1]) if times else (None, None)
        status, headers = self._head or (None, ())
        marks = Marks(first_byte=first, last_byte=last, end=last or 0.0)
        errors = ("the proxy was killed: the raw flow and some times are not known",)
        return Ended(self.opened.id, "shutdown", marks, {}, status, headers, errors=errors)

    def redacted(self, text: str) -> str:
        """`text` without what looks like a credential, or is one of this call."""
        return self._redactor.text(text)

    def kept(self, ended: Ended) -> Kept:
        """The record and, where one is wanted, the raw flow."""
        content = b"".join([data for _, data in self._chunks]) if self._chunks else ended.content or b""
        answer = self._answer(ended, content)
        looked = self._looked_answer(ended, content, answer)
        key, raw, failure = self._flow(ended, content, looked)
        exchange = self._exchange(ended, content, key, self.opened.errors + ended.errors + failure)
        summary, who = self._request.summary
        record = build.record(
            exchange,
            summary,
            who,
            self.opened.capture,
            self._redactor,
            answer=answer,
            request_is_clean=self.opened.capture == "redacted" and self._request.looked.is_clean,
            answer_is_clean=looked is not None and looked.is_clean,
        )
        stored = to_json(record)
        objects = {record_key(record.id, record.started_at): stored}
        return Kept(stored, objects if key is None else {key: raw, **objects})

    def _answer(self, ended: Ended, content: bytes) -> Answer | None:
        if ended.status is None:
            return None
        if self._reading is None:  # an addon made the answer, all of it at once
            self._reading = Reading(self.opened.endpoint, ended.status, ended.headers)
            self._reading.feed(content, ended.marks.last_byte or 0.0)
        return self._reading.finish()

    def _looked_answer(self, ended: Ended, content: bytes, answer: Answer | None) -> Looked | None:
        """The body of the answer; None where it is not looked through as a whole."""
        if answer is None or self._reading is None or self.opened.capture != "redacted":
            return None
        joined = orjson.dumps([answer.message, answer.unplaced]) if answer.folded else b""
        plain = self._reading.decoded if self._reading.is_decoded else None
        return Looked(content, ended.headers, self._redactor, plain, joined)

    def _flow(self, ended: Ended, content: bytes, looked: Looked | None) -> tuple[str | None, bytes, tuple[str, ...]]:
        """Key and object of the raw flow, and what failed; without a key there is none."""
        if self.opened.capture == "metadata" or not self.opened.keeps_body or not ended.flow:
            return None, b"", ()
        try:
            raw = self._flow_file(ended, content, looked)
        except Exception as error:  # noqa: BLE001  the record is made all the same
            return None, b"", (f"raw flow: {type(error).__name__}",)
        return flow_key(self.opened.id, self.opened.started_at), raw, ()

    def _flow_file(self, ended: Ended, content: bytes, looked: Looked | None) -> bytes:
        state = ended.flow["request"]
        request = self._request.frame
        if ended.request_content != "as it came" or state != self.opened.state:
            content_sent = self.opened.body if ended.request_content == "as it came" else ended.request_content
            is_full = self.opened.capture == "full"
            looked_sent = None if is_full else Looked(content_sent, state["headers"], self._redactor)
            request = self._request.frame_of(state, content_sent, looked_sent)
        response = ended.flow["response"]
        if response is not None:
            response = rawflow.message(response, content, looked, self._redactor)
        return rawflow.flow_file(
            request, ended.flow, response, arrivals(self._pieces()), self._redactor, self._compressor
        )

    def _pieces(self) -> tuple[Chunk, ...]:
        return tuple(Chunk(at - self.opened.began, data) for at, data in self._chunks if data)

    def _exchange(self, ended: Ended, content: bytes, key: str | None, errors: tuple[str, ...]) -> Exchange:
        opened = self.opened
        went = ended.request_content if ended.went_upstream else None
        return Exchange(
            id=opened.id,
            started_at=opened.started_at,
            endpoint=opened.endpoint,
            request=Request(
                opened.method,
                opened.path,
                opened.headers,
                Body(opened.body, len(opened.body), self._request.digest, _digest_of(went, self._request.digest)),
            ),
            response=self._response(ended, content),
            end=ended.end,
            marks=ended.marks,
            failure=ended.failure,
            findings=opened.findings or self._request.findings,
            principal=opened.principal,
            invocation=opened.invocation,
            flow_key=key,
            errors=errors,
        )

    def _response(self, ended: Ended, content: bytes) -> Response | None:
        if ended.status is None:
            return None
        if ended.size is not None and ended.size != len(content):
            return Response(ended.status, ended.headers, Body(content, ended.size, None, None))
        digest = self._hash.hexdigest() if self._chunks else hashlib.sha256(content).hexdigest()
        sent = _digest_of(ended.sent_response, digest)
        return Response(ended.status, ended.headers, Body(content, len(content), digest, sent))


@lru_cache(maxsize=64)
def _redactor(key: bytes | None, secrets: frozenset[bytes]) -> Redactor:
    """The calls of one client share a redactor, as what it has found out about their headers is of use to all."""
    return Redactor(key, secrets)


class _RequestHalf:
    """What is made of a request, each part once."""

    def __init__(self, opened: Opened, redactor: Redactor, compressor: zstandard.ZstdCompressor) -> None:
        self._opened = opened
        self._redactor = redactor
        self._compressor = compressor

    @cached_property
    def looked(self) -> Looked:
        return Looked(self._opened.body, self._opened.headers, self._redactor)

    @cached_property
    def examined(self) -> Examined:
        opened, level = self._opened, self._opened.examine or "off"
        if opened.parsed is not None:
            return Examined(opened.parsed)
        if opened.endpoint not in ("messages", "count_tokens"):
            return Examined({})
        if self.looked.plain is None or self.looked.problem:
            return unreadable(self.looked.problem, level)
        try:
            return examine(opened.endpoint, self.looked.plain, level)
        except MemoryError:  # the process is held to a bound
            return Examined({}, (drift("", "too many values to be examined: forwarded unchecked"),))

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.examined.findings if self._opened.examine else ()

    @cached_property
    def summary(self) -> tuple[Summary, Session]:
        body = self.examined.body
        headers = self._opened.headers
        return summarise(body, betas(headers)) if body else Summary(), session(headers, body)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self._opened.body).hexdigest()

    @cached_property
    def frame(self) -> Frame:
        """Of the raw flow: the request."""
        opened = self._opened
        looked = None if opened.capture == "full" else self.looked
        return self.frame_of(opened.state, opened.body, looked)

    def frame_of(self, state: State, content: bytes, looked: Looked | None) -> Frame:
        return rawflow.frame("request", rawflow.message(state, content, looked, self._redactor), self._compressor)


def _digest_of(went: Changed | None, digest: str) -> str | None:
    """The digest of a body that left; `digest` is that of the body as it came."""
    if went is None or went == "as it came":
        return None if went is None else digest
    return hashlib.sha256(went).hexdigest()
