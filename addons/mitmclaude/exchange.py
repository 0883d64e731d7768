"""One request and its answer as plain values: what the edges hand to the pure core."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote

from mitmclaude.findings import Finding
from mitmclaude.headers import Headers
from mitmclaude.platform import Invocation

MOST_ARRIVALS: Final = 100_000
"""Chunks whose arrival is kept."""

type Endpoint = Literal["messages", "count_tokens", "models", "other"]

type End = Literal["answered", "upstream_failed", "client_gone", "rejected", "shutdown"]
"""How the exchange ended, as the proxy saw it; `outcome.py` turns it into the typed outcome."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer as it came; `at` in seconds since the request's first byte."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """A body at both ends of the proxy, still content-encoded.

    `sha256` and `sha256_sent` are hex digests of what came and of what left; None where nothing came or left.
    `content` holds the first `len(content)` of `size` bytes: a body over the limit is hashed whole but kept in part.
    """

    content: bytes
    size: int
    sha256: str | None
    sha256_sent: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """The request as the client sent it."""

    method: str
    path: str
    headers: Headers
    body: Body


@dataclass(frozen=True, slots=True)
class Response:
    """The answer as far as it came; `chunks` cut `body.content` where the network did."""

    status: int
    headers: Headers
    body: Body
    chunks: Sequence[Chunk] = ()


class Marks(NamedTuple):
    """Moments in seconds since the request's first byte; None where it did not come to that."""

    request_end: float | None = None
    upstream_headers: float | None = None
    first_byte: float | None = None
    last_byte: float | None = None
    client_gone: float | None = None
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything that a record is built from."""

    id: str
    started_at: datetime
    endpoint: Endpoint
    request: Request
    response: Response | None
    end: End
    marks: Marks = field(default_factory=Marks)
    failure: str | None = None
    """What the proxy said of a connection that failed."""
    findings: tuple[Finding, ...] = ()
    principal: str | None = None
    invocation: Invocation | None = None
    flow_key: str | None = None
    errors: tuple[str, ...] = field(default=())


def arrivals(chunks: Sequence[Chunk]) -> list[list[int | float]]:
    """The pace of an answer as pairs of bytes and milliseconds since the request's first byte, one for each chunk.

    Plain lists, as the metadata of a flow takes them. Of more than MOST_ARRIVALS chunks the last pair has all the rest.
    """
    pairs: list[list[int | float]] = [[len(c.data), round(c.at * 1000, 3)] for c in chunks[:MOST_ARRIVALS]]
    if rest := chunks[MOST_ARRIVALS:]:
        pairs[-1] = [pairs[-1][0] + sum(len(chunk.data) for chunk in rest), round(rest[-1].at * 1000, 3)]
    return pairs


def endpoint(method: str, path: str) -> Endpoint:
    """Which part of the API a request is for; `path` may carry a prefix and a query."""
    route = unquote(path.partition("?")[0]).rstrip("/")
    if method == "POST" and route.endswith("/v1/messages"):
        return "messages"
    if method == "POST" and route.endswith("/v1/messages/count_tokens"):
        return "count_tokens"
    if method == "GET" and (route.endswith("/v1/models") or "/v1/models/" in route):
        return "models"
    return "other"


def is_probe(method: str, path: str) -> bool:
    """Whether this is the connectivity probe of Claude Code, which makes no record."""
    route = path.partition("?")[0].rstrip("/")
    return method == "HEAD" and (not route or route.endswith("/api/hello"))
