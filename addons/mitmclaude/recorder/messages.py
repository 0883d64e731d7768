"""What the proxy and its recorder say to each other: plain values that can be pickled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from mitmclaude.exchange import End, Endpoint, Marks
from mitmclaude.findings import Finding
from mitmclaude.headers import Headers
from mitmclaude.options import CaptureLevel, ValidationLevel
from mitmclaude.platform import Invocation
from mitmclaude.record.rawflow import State

type Arrived = tuple[float, bytes]
"""A piece of an answer as it came, and the reading of the proxy's clock then."""


type Changed = bytes | Literal["as it came"]
"""A body after the proxy had it."""


class Opened(NamedTuple):
    """A request is there: its half of the work can begin."""

    id: str
    started_at: datetime
    began: float
    """The reading of the proxy's clock at the request's first byte."""
    endpoint: Endpoint
    method: str
    path: str
    headers: Headers
    body: bytes
    state: State
    """Of mitmproxy's request as it goes upstream, without its content."""
    capture: CaptureLevel
    keeps_body: bool = True
    fingerprint_key: bytes | None = None
    credentials: frozenset[bytes] = frozenset()
    """Those of this call that its headers as they came do not hold."""
    findings: tuple[Finding, ...] = ()
    principal: str | None = None
    invocation: Invocation | None = None
    examine: ValidationLevel | None = None
    """Set where the proxy leaves it to the recorder to check the body, and waits for `Examined`."""
    parsed: Mapping[str, Any] | None = None
    """The body as the proxy parsed it; does not leave its process."""
    errors: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Opened({self.id!r})"  # the rest may hold credentials


class Came(NamedTuple):
    """Pieces of an answer, in order; with the first of them its status and headers."""

    id: str
    chunks: Sequence[Arrived]
    status: int | None = None
    headers: Headers = ()


class Ended(NamedTuple):
    """A call is over, or, if `is_partial`, so far; what came before it is in `Opened` and `Came`."""

    id: str
    end: End
    marks: Marks
    flow: State
    """Of mitmproxy's flow, without the contents of its messages."""
    status: int | None = None
    """None where no answer came; so for `headers`."""
    headers: Headers = ()
    content: bytes | None = None
    """The body of an answer that did not come in pieces."""
    size: int | None = None
    """Bytes of the answer that passed, where they are more than the pieces kept."""
    request_content: Changed = "as it came"
    went_upstream: bool = False
    sent_response: Changed = "as it came"
    failure: str | None = None
    errors: tuple[str, ...] = ()
    is_partial: bool = False


type Message = Opened | Came | Ended


class Stores(NamedTuple):
    """The first that a process gets to know: where objects go, as in the options."""

    urls: str
    spool: str
    down: tuple[tuple[str, str], ...] = ()
    """Names of stores that are known not to answer, and why: their objects are spooled at once."""


class Examined(NamedTuple):
    """What the check of a request's body found."""

    id: str
    findings: tuple[Finding, ...]


class Stored(NamedTuple):
    """A call has its record: it is in the store, or in the spool; None where it is lost, as the log tells."""

    id: str
    record: bytes | None
    """Its JSON."""
    is_partial: bool = False


class Logged(NamedTuple):
    """A line for the proxy's log."""

    level: int
    text: str


type Reply = Examined | Stored | Logged


def without_parsed(message: Message) -> Message:
    """The message as it leaves the process: what can be made again there does not go with it."""
    return message._replace(parsed=None) if isinstance(message, Opened) and message.parsed is not None else message
