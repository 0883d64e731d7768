"""The state of a mitmproxy flow → the object that is kept of it: a compressed flow file without credentials.

The file is a row of zstd frames, which together are one flow (https://www.rfc-editor.org/rfc/rfc8878#section-3.1 lets
frames follow each other): the size of it all; the request, made while upstream works; the rest, made at the end.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import zstandard

from mitmclaude import encoding
from mitmclaude.headers import Headers, content_encoding, header
from mitmclaude.record import tnetstring
from mitmclaude.redact import Redactor

type State = Mapping[str, Any]
"""What `get_state` of mitmproxy returns for a flow, or for a message of one, without the content of messages."""

UNREADABLE = b"[mitmclaude: not kept, as it could not be decoded to look for secrets]"

LIMIT = 256 * 1024 * 1024
"""Bytes of a decoded body that are looked through."""

ARRIVALS = "claude.arrivals"
"""The metadata that holds when each piece of the answer came: pairs of bytes and milliseconds since the request."""


CONNECTIONS = ("client_conn", "server_conn")

MOST_CONNECTIONS = 256
"""Connections whose written state is remembered."""

_connections: dict[tuple[str, Any], tuple[State, bytes]] = {}


class Frame(NamedTuple):
    """A part of a flow file: its size as it is, and its compressed form."""

    size: int
    compressed: bytes


class Looked:
    """A body, decoded and looked through for secrets: each at most once, and when it is wanted.

    `plain` is the body without its content encoding, where that is known. `joined` is what a stream's pieces make
    together, as JSON: a secret may be spread over several of them.
    """

    def __init__(
        self, content: bytes, headers: Headers, redactor: Redactor, plain: bytes | None = None, joined: bytes = b""
    ) -> None:
        self.content = content
        self._coding = content_encoding(headers)
        self._redactor = redactor
        self._plain = plain
        self._joined = joined

    @cached_property
    def _decoded(self) -> tuple[bytes | None, str]:
        if self._coding == "identity":
            return self.content, ""
        if self._plain is not None:
            return self._plain, ""
        try:
            decoder = encoding.Decoder(self._coding, LIMIT)
            plain = decoder.feed(self.content)
        except ValueError as error:
            return None, str(error)
        is_cut = self.content and not decoder.finished
        return plain, f"{self._coding[:40]} body is cut: it ends before its coding does" if is_cut else ""

    @property
    def plain(self) -> bytes | None:
        """The body without its content encoding; None where it cannot be decoded."""
        return self._decoded[0]

    @property
    def problem(self) -> str:
        """Why it cannot be decoded, or not to its end."""
        return self._decoded[1]

    @cached_property
    def is_clean(self) -> bool:
        """Whether it, and so all that is made of it, holds no secret, also after the end of its encoded part."""
        plain, texts = self.plain, (self._joined,) if self._joined else None
        if plain is None or not self._redactor.is_clean(plain, texts):
            return False
        return plain is self.content or self._redactor.is_clean(self.content)

    def without_secrets(self, is_stream: bool) -> bytes:
        """The body without secrets and then without its content encoding; the same object where there are none."""
        if self.plain is None:
            return UNREADABLE
        if self.is_clean:
            return self.content
        redacted = self._redactor.sse(self.plain) if is_stream else self._redactor.raw(self.plain)
        if redacted != self.plain:
            return redacted
        return self._redactor.raw(self.content)  # a secret stands after the end of the encoded part


def frame(key: str, value: Any, compressor: zstandard.ZstdCompressor) -> Frame:
    """One item of the flow."""
    item = tnetstring.item(key, value)
    return Frame(len(item), compressor.compress(item))


def message(state: State, content: bytes | None, looked: Looked | None, redactor: Redactor) -> dict[str, Any]:
    """What is kept of a request or of an answer; without `looked` its content is kept as it came."""
    kept = {**state, "headers": redactor.headers(state["headers"]), "content": content}
    if state.get("trailers"):
        kept["trailers"] = redactor.headers(state["trailers"])
    if "path" in state:
        kept["path"] = redactor.target(state["path"])
        kept["authority"] = redactor.target(state["authority"])
    if looked is not None and content:
        kept["content"] = looked.without_secrets(_is_stream(state["headers"]))
        if kept["content"] is not content:  # it is decoded now
            kept["headers"] = tuple(pair for pair in kept["headers"] if pair[0].lower() != b"content-encoding")
    return kept


def _is_stream(headers: Headers) -> bool:
    return "text/event-stream" in (header(headers, b"content-type") or "").lower()


def flow_file(
    request: Frame,
    flow: State,
    response: State | None,
    arrivals: list[list[float]],
    redactor: Redactor,
    compressor: zstandard.ZstdCompressor,
) -> bytes:
    """The object: `request` as `frame` made it, `response` as `message` made it, and all else of the flow's state."""
    rest = {name: value for name, value in flow.items() if name not in ("request", "response", "backup")}
    if flow.get("error"):
        rest["error"] = {**flow["error"], "msg": redactor.text(flow["error"]["msg"])}
    if arrivals:
        rest["metadata"] = {**flow.get("metadata", {}), ARRIVALS: arrivals}
    rest["response"] = response
    items = b"".join([connection(name, rest.pop(name)) for name in CONNECTIONS if name in rest])
    items += b"".join([tnetstring.item(name, value) for name, value in rest.items()])
    first = tnetstring.framed(request.size + len(items))
    return compressor.compress(first) + request.compressed + compressor.compress(items + b"}")


def connection(name: str, state: State) -> bytes:
    """An item with the state of a connection: many calls share one, and it is the largest part of a small flow."""
    key = (name, state.get("id"))
    if (known := _connections.get(key)) is not None and known[0] == state:
        return known[1]
    item = tnetstring.item(name, state)
    if len(_connections) >= MOST_CONNECTIONS:
        _connections.clear()
    _connections[key] = state, item
    return item


def decompressed(stored: bytes) -> bytes:
    """The flow file in an object: all of its frames; raises ZstdError where it is damaged, or cut."""
    parts = []
    while stored:
        frame = zstandard.ZstdDecompressor().decompressobj()
        parts.append(frame.decompress(stored))
        if not frame.eof:
            raise zstandard.ZstdError("it ends before its last frame does")
        stored = frame.unused_data
    return b"".join(parts)
