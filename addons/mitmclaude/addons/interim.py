"""Pass over the interim answers of upstream (100 Continue, 103 Early Hints): mitmproxy takes one as the final answer.

https://www.rfc-editor.org/rfc/rfc9110#section-15.2: any number of them may come before the real answer. mitmproxy reads
an answer's head in one place, out of reach of any hook; it is wrapped while the addon is loaded. They are not sent on:
a client that waits for none misses none, and mitmproxy itself answers a client's `Expect: 100-continue`. 101 is final.
"""

import re
from collections.abc import Iterator
from typing import Any

from h11._receivebuffer import ReceiveBuffer
from mitmproxy.proxy import events
from mitmproxy.proxy.layers.http import _http1

_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d[ \r\n]")


class Interim:
    """Wraps where mitmproxy reads the head of an answer, and unwraps it."""

    name = "claude.interim"

    def __init__(self) -> None:
        self._original = _http1.Http1Client.read_headers

    def load(self, _loader: object) -> None:
        _http1.Http1Client.read_headers = passing_over(self._original)  # type: ignore[method-assign]

    def done(self) -> None:
        _http1.Http1Client.read_headers = self._original  # type: ignore[method-assign]


def passing_over(original: Any) -> Any:
    """`Http1Client.read_headers` that never sees a whole interim answer."""

    def read_headers(self: _http1.Http1Client, event: events.ConnectionEvent) -> Iterator[Any]:
        if isinstance(event, events.DataReceived) and self.request:
            drop_interim(self.buf)
        yield from original(self, event)

    return read_headers


def drop_interim(buffer: ReceiveBuffer) -> None:
    """Take the interim answers from the front; one that is not there to its end stays, and mitmproxy waits for it."""
    while _INTERIM.match(bytes(buffer)) and buffer.maybe_extract_lines():
        pass
