"""An HTTP request → the event that a Lambda Function URL gives its function, payload format 2.0.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

LIMIT = 6_291_456  # bytes of the event as JSON; above it the function is not invoked
TEXT = re.compile(r"text/.*|application/(json|xml|javascript)")  # what comes as a string, all else as base64
ONE_HOP = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
ROOT_OF_TRACE = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}")

Event = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request as it came: the target in origin form, the body whole and as it was sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    source_ip: str = "127.0.0.1"


@dataclass(frozen=True)
class Context:
    """What the platform knows of a request: `now` with its zone, ids as they go into headers and logs."""

    request_id: str
    trace_id: str
    now: dt.datetime
    url_id: str = "local"
    region: str = "us-east-1"

    @property
    def domain(self) -> str:
        return f"{self.url_id}.lambda-url.{self.region}.on.aws"


def build(request: Request, context: Context) -> Event:
    """The event. It has no `body` where the request has none, `cookies` only where it has some."""
    path, _, query = request.target.partition("?")
    headers = event_headers(request, context)
    event: Event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query}
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";") if cookie.strip()]
    event["headers"] = headers
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True), ",")
    event["requestContext"] = request_context(request, context)
    if request.body:
        event["body"], event["isBase64Encoded"] = event_body(request.body, headers)
    else:
        event["isBase64Encoded"] = False
    return event


def encode(event: Event) -> bytes:
    """The event as the JSON whose length is limited."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def event_headers(request: Request, context: Context) -> dict[str, str]:
    """Names in lower case, duplicates joined, those of one hop dropped, the front end's own over the client's."""
    pairs = [(name.lower(), value) for name, value in request.headers if name.lower() not in ONE_HOP]
    cookies = [value for name, value in pairs if name == "cookie"]
    headers = _joined(pairs, ",")
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    if request.body:
        headers["content-length"] = str(len(request.body))
    return headers | {
        "host": context.domain,
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": context.trace_id,
        "x-forwarded-for": request.source_ip,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }


def request_context(request: Request, context: Context) -> Event:
    """What an unauthenticated Function URL (AuthType NONE) tells of a request."""
    agent = next((value for name, value in request.headers if name.lower() == "user-agent"), "")
    return {
        "accountId": "anonymous",
        "apiId": context.url_id,
        "domainName": context.domain,
        "domainPrefix": context.url_id,
        "http": {
            "method": request.method,
            "path": request.target.partition("?")[0],
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": agent,
        },
        "requestId": context.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": context.now.strftime("%d/%b/%Y:%H:%M:%S %z"),
        "timeEpoch": int(context.now.timestamp() * 1000),
    }


def event_body(body: bytes, headers: dict[str, str]) -> tuple[str, bool]:
    """The body and whether it is base64: all is, but unencoded text of the known types."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if headers.get("content-encoding", "identity").lower() == "identity" and TEXT.fullmatch(kind):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass  # what is not UTF-8 cannot stand in JSON
    return base64.b64encode(body).decode(), True


def trace_root(header: str | None) -> str | None:
    """The trace that a client began, None where its header names none."""
    found = ROOT_OF_TRACE.search(header or "")
    return found[0] if found else None


def _joined(pairs: list[tuple[str, str]], comma: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}{comma}{value}" if name in joined else value
    return joined
