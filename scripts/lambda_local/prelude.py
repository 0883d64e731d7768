r"""Bytes of a streamed function response → its prelude (status, headers, cookies) and the body behind it.

The form is `application/vnd.awslambda.http-integration-response`: a JSON object, eight NUL bytes, the body.
https://docs.aws.amazon.com/lambda/latest/dg/response-streaming-tutorial.html does not spell it out; the runtimes do:
https://github.com/awslabs/aws-lambda-rust-runtime/blob/main/lambda-runtime-api-client/src/body/channel.rs
"""

import json
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
SEPARATOR = b"\0" * 8
LIMIT = 1 << 20  # bytes; more without a separator is not a prelude


@dataclass(frozen=True)
class Prelude:
    """What stands before the body. Several values of one header stay several pairs."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of a header, None where it is missing."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class PreludeReader:
    """Takes a response piece by piece; `prelude` is None until all of it has come."""

    def __init__(self) -> None:
        self.prelude: Prelude | None = None
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body in `data`. `ValueError` where this is no prelude."""
        if self.prelude is not None:
            return data
        start = max(0, len(self._held) - len(SEPARATOR) + 1)
        self._held += data
        at = self._held.find(SEPARATOR, start)
        if at < 0:
            if len(self._held) > LIMIT:
                raise ValueError(f"wanted a prelude and 8 NUL bytes within {LIMIT} bytes")
            return b""
        self.prelude = parse(bytes(self._held[:at]))
        body = bytes(self._held[at + len(SEPARATOR) :])
        self._held.clear()
        return body


def parse(data: bytes) -> Prelude:
    """The prelude of its JSON, `ValueError` where a field has not the form that the platform wants."""
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError(f"wanted a JSON object, found {data[:80]!r}")  # noqa: TRY004  all of it is a value from outside
    status = value.get("statusCode", 200)
    if type(status) is not int or not 100 <= status <= 999:
        raise ValueError(f"wanted an HTTP status, found statusCode {status!r}")
    headers = {} if value.get("headers") is None else value["headers"]
    cookies = [] if value.get("cookies") is None else value["cookies"]
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise ValueError("wanted an object of headers and an array of cookies")  # noqa: TRY004
    pairs = tuple((name, text) for name, given in headers.items() for text in _texts(given))
    return Prelude(status, pairs, tuple(map(str, cookies)))


def _texts(value: Any) -> list[str]:
    """A header's values: the adapter writes an array where a header occurs more than once."""
    values = value if isinstance(value, list) else [value]
    texts = [item if isinstance(item, str) else json.dumps(item) for item in values]
    if any("\r" in text or "\n" in text for text in texts):
        raise ValueError("wanted a header value of one line")
    return texts
