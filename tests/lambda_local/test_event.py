"""The event of a Function URL, payload format 2.0."""

import base64
import datetime as dt
import gzip
import json
from typing import Any

import pytest
from scripts.lambda_local.event import Context, Request, build, encode, trace_root

NOW = dt.datetime(2026, 11, 22, 12, 45, 34, 837_000, dt.UTC)
CONTEXT = Context("request-1", "Root=1-5eb33c07-de25b420912dee103a5db434", NOW, "id", "eu-west-2")
JSON = ("Content-Type", "application/json")


def event(*headers: tuple[str, str], target: str = "/", body: bytes = b"") -> dict[str, Any]:
    return build(Request("POST", target, headers, body, "65.78.31.245"), CONTEXT)


def test_a_captured_event() -> None:
    """Field by field the event that AWS made of this request (test data of the Rust runtime, TLS and body apart)."""
    headers = (("Cookie", "test=hi"), ("Accept", "*/*"), ("User-Agent", "curl/7.68.0"), ("Host", "127.0.0.1:1"))
    made = build(Request("GET", "/v1/messages?beta=true", headers, b"", "65.78.31.245"), CONTEXT)
    assert {name: value for name, value in made["headers"].items() if "tls" not in name} == {
        "x-amzn-trace-id": "Root=1-5eb33c07-de25b420912dee103a5db434",
        "cookie": "test=hi",
        "x-forwarded-proto": "https",
        "host": "id.lambda-url.eu-west-2.on.aws",
        "x-forwarded-port": "443",
        "x-forwarded-for": "65.78.31.245",
        "accept": "*/*",
        "user-agent": "curl/7.68.0",
    }
    del made["headers"]
    assert made == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/v1/messages",
        "rawQueryString": "beta=true",
        "cookies": ["test=hi"],
        "queryStringParameters": {"beta": "true"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "id",
            "domainName": "id.lambda-url.eu-west-2.on.aws",
            "domainPrefix": "id",
            "http": {
                "method": "GET",
                "path": "/v1/messages",
                "protocol": "HTTP/1.1",
                "sourceIp": "65.78.31.245",
                "userAgent": "curl/7.68.0",
            },
            "requestId": "request-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "22/Nov/2026:12:45:34 +0000",
            "timeEpoch": 1795351534837,
        },
        "isBase64Encoded": False,
    }


def test_header_names_and_duplicates() -> None:
    """Names are lower case, values of one name are joined by a comma, in order."""
    assert event(("X-Twice", "b"), ("x-twice", "a"))["headers"]["x-twice"] == "b,a"


def test_headers_of_one_hop_are_dropped() -> None:
    """What concerns the connection to the front end only does not reach the function."""
    made = event(("Connection", "close"), ("Transfer-Encoding", "chunked"), ("TE", "trailers"), ("Expect", "x"))
    assert not {"connection", "transfer-encoding", "te", "expect"} & set(made["headers"])


def test_a_client_cannot_forge_what_the_front_end_says() -> None:
    """x-forwarded-* and the host are the front end's own."""
    made = event(("X-Forwarded-For", "1.2.3.4"), ("x-forwarded-proto", "http"), ("Host", "evil"))["headers"]
    assert (made["x-forwarded-for"], made["x-forwarded-proto"]) == ("65.78.31.245", "https")
    assert made["host"] == "id.lambda-url.eu-west-2.on.aws"


def test_cookies() -> None:
    """Cookies stand in an array and in the header, also where the client sent several headers."""
    made = event(("Cookie", "a=1; b=2"), ("Cookie", "c=3"))
    assert made["cookies"] == ["a=1", "b=2", "c=3"]
    assert made["headers"]["cookie"] == "a=1; b=2; c=3"
    assert "cookies" not in event()


def test_paths_and_queries_stay_raw() -> None:
    """Percent-encoding, order and duplicates survive in the raw fields; the parsed ones are decoded and joined."""
    made = event(target="/a%2Fb/%C3%A9?k=1&x=%20y&k=2&empty=")
    assert (made["rawPath"], made["rawQueryString"]) == ("/a%2Fb/%C3%A9", "k=1&x=%20y&k=2&empty=")
    assert made["queryStringParameters"] == {"k": "1,2", "x": " y", "empty": ""}
    assert "queryStringParameters" not in event(target="/?")


def test_no_body() -> None:
    """Without a body there is no such field, and no length."""
    made = event(JSON)
    assert "body" not in made
    assert made["isBase64Encoded"] is False
    assert "content-length" not in made["headers"]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Text/Plain", "text/event-stream", "application/xml", "application/javascript"])  # fmt: skip
def test_text_is_a_string(kind: str) -> None:
    """Bodies of the known text types come as they are, UTF-8 included."""
    made = event(("content-type", kind), body='{"x":"é"}'.encode())
    assert (made["body"], made["isBase64Encoded"]) == ('{"x":"é"}', False)
    assert made["headers"]["content-length"] == "10"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([], b"no type"),
        ([("content-type", "application/x-www-form-urlencoded")], b"a=1"),
        ([("content-type", "application/vnd.api+json")], b"{}"),
        ([("content-type", "application/octet-stream")], bytes(range(256))),
        ([JSON, ("Content-Encoding", "gzip")], gzip.compress(b"{}")),
        ([JSON], b"\xff is not UTF-8"),
    ],
    ids=["no-type", "form", "json-suffix", "binary", "gzip", "not-utf8"],
)
def test_all_else_is_base64(headers: list[tuple[str, str]], body: bytes) -> None:
    """Other types, encoded bodies and what is not UTF-8 come as base64, without loss."""
    made = event(*headers, body=body)
    assert made["isBase64Encoded"] is True
    assert base64.b64decode(made["body"]) == body


def test_encoded_size() -> None:
    """The JSON is compact and UTF-8: what is limited is its length, escapes included."""
    small, large = (len(encode(event(JSON, body=body))) for body in (b"x", b'x"\n' + "é".encode()))
    assert large - small == len('\\"') + len("\\n") + len("é".encode())
    assert json.loads(encode(event(JSON, body=b'"')))["body"] == '"'


def test_trace_root() -> None:
    """A trace that the client began goes on; anything else does not."""
    root = "Root=1-5eb33c07-de25b420912dee103a5db434"
    assert trace_root(f"Self=x;{root};Sampled=1") == root
    assert trace_root("Root=mine") is None
    assert trace_root(None) is None
