"""The same adapter, app and events under AWS's Runtime Interface Emulator and under ours: the answers are alike.

The emulator streams nothing: it gives the whole response, prelude, NULs and body, in one piece.
"""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.lambda_local import Local, running
from scripts.lambda_local.event import Context, Request, build, encode
from scripts.lambda_local.invocation import Collected
from scripts.lambda_local.prelude import Prelude, PreludeReader

from tests.lambda_local.conftest import TOY, TOY_ENV
from tests.lambda_local.rie import Emulated, emulated, installed

pytestmark = pytest.mark.e2e

CONTEXT = Context("request-1", "Root=1-5eb33c07-de25b420912dee103a5db434", dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
JSON = ("content-type", "application/json")
VARYING = {"date", "server"}


@pytest.fixture(scope="module")
def both(adapter_binary: Path) -> Iterator[tuple[Emulated, Local]]:
    env = {**TOY_ENV, "AWS_LAMBDA_FUNCTION_TIMEOUT": "20", "AWS_LAMBDA_FUNCTION_NAME": "fn"}
    local = running(TOY, adapter=adapter_binary, env=env, timeout=20, name="fn")
    with installed(adapter_binary), emulated(TOY, env) as theirs, local as ours:
        yield theirs, ours


def parts(body: bytes) -> tuple[Prelude, bytes]:
    """Prelude and body of a raw response, without what differs from run to run."""
    reader = PreludeReader()
    rest = reader.feed(body)
    assert reader.prelude is not None, body[:200]
    return stable(reader.prelude), rest


def stable(prelude: Prelude) -> Prelude:
    headers = tuple(sorted(pair for pair in prelude.headers if pair[0] not in VARYING))
    return Prelude(prelude.status, headers, prelude.cookies)


def ours_of(collected: Collected) -> tuple[Prelude, bytes]:
    assert collected.prelude is not None, collected.error
    return stable(collected.prelude), bytes(collected.content)


REQUESTS = {
    "ready": Request("GET", "/ready", ()),
    "stream": Request("GET", "/stream?n=3&gap=0.05", ()),
    "cookies": Request("POST", "/cookies", ()),
    "twice": Request("GET", "/twice", ()),
    "binary": Request("GET", "/binary", ()),
    "empty": Request("GET", "/empty", ()),
    "head": Request("HEAD", "/ready", ()),
    "cut": Request("GET", "/cut", ()),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_answers(both: tuple[Emulated, Local], name: str) -> None:
    """Status, headers, cookies and body are the same."""
    theirs, ours = both
    event = build(REQUESTS[name], CONTEXT)
    got = theirs.invoke(encode(event))
    assert got.status == 200
    assert parts(got.body) == ours_of(ours.invoke(event))


@pytest.mark.parametrize("body", ['{"x":"é\\n"}'.encode(), b"\xff\0\xfe"], ids=["text", "base64"])
def test_what_the_app_gets(both: tuple[Emulated, Local], body: bytes) -> None:
    """Method, target, headers and body that reach the app are the same, ids of the invocation apart."""
    theirs, ours = both
    headers = (JSON, ("Cookie", "a=1; b=2"), ("x-twice", "1"), ("X-Twice", "2"))
    event = build(Request("POST", "/echo/a%2Fb?k=1&k=2", headers, body), CONTEXT)
    echoes = [json.loads(parts(theirs.invoke(encode(event)).body)[1]), json.loads(ours.invoke(event).content)]
    seen = [dict(echo.pop("headers")) for echo in echoes]
    assert echoes[0] == echoes[1]
    assert echoes[0]["body"] == body.decode("latin-1")
    assert seen[0].keys() == seen[1].keys()
    varying = {"x-amzn-lambda-context", "x-amzn-trace-id"}
    assert {name for name in seen[0] if seen[0][name] != seen[1][name]} <= varying
    contexts = [json.loads(headers["x-amzn-lambda-context"]) for headers in seen]
    assert contexts[0].keys() == contexts[1].keys()
    assert {type(value) for value in contexts[0].values()} >= {int, str, dict}


def test_crash(both: tuple[Emulated, Local]) -> None:
    """An app that exits fails the invocation in both, and both serve the next one."""
    theirs, ours = both
    crash, ready = build(Request("GET", "/crash", ()), CONTEXT), build(Request("GET", "/ready", ()), CONTEXT)
    assert b'"errorType":' in theirs.invoke(encode(crash)).body  # of the adapter or of the exit, what comes first
    assert ours.invoke(crash).error
    answers = (theirs.invoke(encode(ready)) for _ in range(2))  # one may pass until the emulator knows of the exit
    assert any(answer.body.endswith(b"\0ready") for answer in answers)
    assert ours_of(ours.invoke(ready))[1] == b"ready"
