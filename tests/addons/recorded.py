"""A recorder that answers as a test says, the addons around it, and flows for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from mitmproxy import http
from mitmproxy.test import taddons, tflow

from mitmclaude.addons.finish import Finish
from mitmclaude.addons.live import Capture, Live, begin
from mitmclaude.addons.recording import Recording
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.store import StoreAddon
from mitmclaude.addons.validate import Validate
from mitmclaude.exchange import Body as ExchangeBody
from mitmclaude.exchange import Exchange, Marks, Request
from mitmclaude.record import build
from mitmclaude.record.record import Record, to_json
from mitmclaude.recorder.messages import Ended, Message, Opened, Reply, Stored
from mitmclaude.redact import Redactor
from mitmclaude.request.session import Session
from mitmclaude.request.summary import Summary

GOOD = b'{"model":"claude-opus-5-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'


def record(record_id: str, **more: Any) -> Record:
    """A small record."""
    request = Request("POST", "/v1/messages", (), ExchangeBody(b"{}", 2, "0" * 64, None))
    at = datetime(2026, 11, 24, tzinfo=UTC)
    fields: dict[str, Any] = {"end": "client_gone", "marks": Marks(end=1.0), **more}
    exchange = Exchange(record_id, at, "messages", request, None, **fields)
    return build.record(exchange, Summary(model="claude-opus-5-5"), Session("s1"), "redacted", Redactor())


class Toy:
    """A recorder that takes all, and replies what it is made to."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.closed = False

    def start(self) -> None:
        """Nothing to start."""

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def close(self, timeout: float) -> None:
        self.closed = True


class Around:
    """The addons that speak with a recorder."""

    def __init__(self) -> None:
        self.live, self.options, self.toy = Live(), ClaudeOptions(), Toy()
        self.recording = Recording(self.live, self.options, StoreAddon(self.options))
        self.recording._recorder = self.toy
        self.finish = Finish(self.live, self.recording)
        self.validate = Validate(self.live, self.options, self.recording)

    def reply(self, reply: Reply) -> None:
        self.recording._take(reply)

    def stored(self, capture: Capture, **more: Any) -> None:
        """Reply that a call is stored."""
        self.reply(Stored(capture.id, to_json(record(capture.id, **more))))

    def captured(self, body: bytes = GOOD, *, resp: bool = True) -> tuple[http.HTTPFlow, Capture]:
        flow = tflow.tflow(resp=resp)
        flow.live = True
        flow.request.method, flow.request.path = "POST", "/v1/messages"
        flow.request.headers = http.Headers([(b"content-type", b"application/json")])
        flow.request.raw_content = body
        capture = self.live[flow.id] = begin(flow, "messages")
        return flow, capture

    def kinds(self, capture: Capture) -> list[type[Message]]:
        return [type(message) for message in self.toy.sent if message.id == capture.id]

    def only[T: (Opened, Ended)](self, kind: type[T]) -> T:
        (message,) = [message for message in self.toy.sent if isinstance(message, kind)]
        return message


@contextmanager
def around(*addons: Any) -> Iterator[Around]:
    """The addons in a context of mitmproxy, with more that listen."""
    made = Around()
    with taddons.context(*addons):
        yield made
