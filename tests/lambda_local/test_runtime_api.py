"""The Runtime and Extensions API, as a runtime and an extension see them; needs no adapter."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from scripts.lambda_local.http1 import Body, Head, chunk
from scripts.lambda_local.invocation import Collected, Invocation
from scripts.lambda_local.prelude import CONTENT_TYPE, SEPARATOR, Prelude
from scripts.lambda_local.runtime_api import EXTENSION, RUNTIME, RuntimeApi
from scripts.lambda_local.settings import Settings

Reply = tuple[int, dict[str, str], bytes]
Headers = tuple[str, ...]
STREAM = (f"Content-Type: {CONTENT_TYPE}", "Lambda-Runtime-Function-Response-Mode: streaming")


class Peer:
    """One connection to the API."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, method: str, target: str, *headers: str, body: bytes = b"") -> Reply:
        self.send(method, target, *headers, f"Content-Length: {len(body)}", body=body)
        return await self.reply()

    def send(self, method: str, target: str, *headers: str, body: bytes = b"") -> None:
        self.writer.write("\r\n".join([f"{method} {target} HTTP/1.1", *headers, "", ""]).encode() + body)

    async def reply(self) -> Reply:
        async with asyncio.timeout(5):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].decode().split("\r\n")
            pairs = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
            body = await Body(self.reader, Head("", "", "", pairs)).read()
        return int(first.split()[1]), {name.lower(): value for name, value in pairs}, body


class Fixture:
    """The API of a fresh environment."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.api = RuntimeApi(Settings(name="fn"), self.said.append)
        self.answer = Collected()
        self.invocation = Invocation(b'{"x":1}', self.answer, "Root=1-2-3", "id-1")

    async def peer(self) -> Peer:
        return Peer(*await asyncio.open_connection("127.0.0.1", int(self.api.address.split(":")[1])))

    async def invoked(self) -> Peer:
        """A runtime that was given the invocation."""
        runtime = await self.peer()
        await self.api.offer(self.invocation, 123)
        assert (await runtime.ask("GET", RUNTIME + "invocation/next"))[0] == 200
        return runtime


@pytest.fixture
async def fixture() -> AsyncIterator[Fixture]:
    made = Fixture()
    await made.api.start()
    yield made
    made.api.close()


async def test_next(fixture: Fixture) -> None:
    """The event with its headers; it waits until there is one."""
    runtime = await fixture.peer()
    runtime.send("GET", RUNTIME + "invocation/next")
    await asyncio.wait_for(fixture.api.settled(), 5)
    await fixture.api.offer(fixture.invocation, 123)
    status, headers, body = await runtime.reply()
    assert (status, body) == (200, b'{"x":1}')
    assert headers["content-type"] == "application/json"
    assert headers["lambda-runtime-aws-request-id"] == "id-1"
    assert headers["lambda-runtime-deadline-ms"] == "123"
    assert headers["lambda-runtime-trace-id"] == "Root=1-2-3"
    assert headers["lambda-runtime-invoked-function-arn"] == "arn:aws:lambda:us-east-1:123456789012:function:fn"


async def test_streamed_response(fixture: Fixture) -> None:
    """Prelude and pieces are passed on as they come; settled when the runtime asks for more."""
    runtime = await fixture.invoked()
    runtime.send("POST", RUNTIME + "invocation/id-1/response", *STREAM, "Transfer-Encoding: chunked")
    for piece in (b'{"statusCode":', b"201}" + SEPARATOR[:3], SEPARATOR[3:] + b"a", b"b"):
        runtime.writer.write(chunk(piece))
        await asyncio.sleep(0.02)
    assert fixture.answer.prelude == Prelude(201)
    assert fixture.answer.content == b"ab"
    assert not fixture.invocation.over.is_set()
    runtime.writer.write(b"0\r\n\r\n")
    assert (await runtime.reply())[::2] == (202, b'{"status":"OK"}\n')
    assert fixture.invocation.over.is_set()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(fixture.api.settled(), 0.1)
        pytest.fail("settled before the runtime asked for the next event")
    runtime.send("GET", RUNTIME + "invocation/next")
    await asyncio.wait_for(fixture.api.settled(), 5)


async def test_error_in_trailers(fixture: Fixture) -> None:
    """A runtime that fails within its response says so in trailers."""
    runtime = await fixture.invoked()
    body = chunk(b"{}" + SEPARATOR + b"half") + b"0\r\nLambda-Runtime-Function-Error-Type: Oops\r\n\r\n"
    runtime.send("POST", RUNTIME + "invocation/id-1/response", *STREAM, "Transfer-Encoding: chunked", body=body)
    assert (await runtime.reply())[0] == 202
    assert (bytes(fixture.answer.content), fixture.answer.error) == (b"half", "Oops")


async def test_response_without_prelude(fixture: Fixture) -> None:
    """Another content type means that all of it is body."""
    runtime = await fixture.invoked()
    target = RUNTIME + "invocation/id-1/response"
    assert (await runtime.ask("POST", target, "Content-Type: application/json", body=b'{"a":1}'))[0] == 202
    assert fixture.answer.prelude == Prelude(200, (("content-type", "application/json"),))
    assert fixture.answer.content == b'{"a":1}'


@pytest.mark.parametrize("body", [b"no prelude" + SEPARATOR, b'{"statusCode":200}'], ids=["malformed", "unfinished"])
async def test_bad_prelude(fixture: Fixture, body: bytes) -> None:
    """The invocation fails."""
    runtime = await fixture.invoked()
    with contextlib.suppress(asyncio.IncompleteReadError):
        await runtime.ask("POST", RUNTIME + "invocation/id-1/response", *STREAM, body=body)
    assert fixture.answer.error


async def test_cut_response(fixture: Fixture) -> None:
    """A runtime that goes away within its response has failed."""
    runtime = await fixture.invoked()
    body = chunk(b"{}" + SEPARATOR + b"half")
    runtime.send("POST", RUNTIME + "invocation/id-1/response", *STREAM, "Transfer-Encoding: chunked", body=body)
    runtime.writer.close()
    await asyncio.wait_for(fixture.invocation.over.wait(), 5)
    assert (bytes(fixture.answer.content), fixture.answer.error) == (b"half", "the runtime cut its response")


async def test_reported_error(fixture: Fixture) -> None:
    """`/error` fails the invocation, not the environment."""
    runtime = await fixture.invoked()
    error = b'{"errorType":"T","errorMessage":"M"}'
    assert (await runtime.ask("POST", RUNTIME + "invocation/id-1/error", body=error))[0] == 202
    assert fixture.answer.error == error.decode()
    assert fixture.api.broken == ""


async def test_refusals(fixture: Fixture) -> None:
    """A wrong id is 400, `next` without an answer 403, an unknown extension 403, an unknown path 404."""
    runtime = await fixture.invoked()
    assert (await runtime.ask("POST", RUNTIME + "invocation/id-2/response", body=b"{}"))[0] == 400
    assert (await runtime.ask("GET", RUNTIME + "invocation/next"))[0] == 403
    assert (await runtime.ask("GET", EXTENSION + "event/next", "Lambda-Extension-Identifier: x"))[0] == 403
    assert (await runtime.ask("PUT", "/2022-07-01/telemetry", body=b"{}"))[0] == 404
    assert (await runtime.ask("POST", RUNTIME + "invocation/id-1/other", body=b"{}"))[0] == 404


async def test_extension(fixture: Fixture) -> None:
    """It registers, is told of invocations and of the end, and the freeze waits for it."""
    extension, runtime = await fixture.peer(), await fixture.peer()
    wanted = json.dumps({"events": ["INVOKE", "SHUTDOWN"]}).encode()
    status, headers, body = await extension.ask("POST", EXTENSION + "register", "Lambda-Extension-Name: x", body=wanted)
    assert (status, json.loads(body)) == (200, {"functionName": "fn", "functionVersion": "$LATEST", "handler": ""})
    await asyncio.wait_for(fixture.api.registered(1), 5)
    who = f"Lambda-Extension-Identifier: {headers['lambda-extension-identifier']}"
    runtime.send("GET", RUNTIME + "invocation/next")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(fixture.api.settled(), 0.1)
        pytest.fail("settled before the extension was ready")
    extension.send("GET", EXTENSION + "event/next", who)
    await asyncio.wait_for(fixture.api.settled(), 5)
    await fixture.api.offer(fixture.invocation, 123)
    event = json.loads((await extension.reply())[2])
    assert (event["eventType"], event["requestId"], event["deadlineMs"]) == ("INVOKE", "id-1", 123)
    assert fixture.api.announce_shutdown(456, "spindown")
    event = json.loads((await extension.ask("GET", EXTENSION + "event/next", who))[2])
    assert event == {"eventType": "SHUTDOWN", "deadlineMs": 456, "shutdownReason": "spindown"}


async def test_extension_gone(fixture: Fixture) -> None:
    """An extension that goes away takes the environment with it."""
    extension = await fixture.peer()
    headers = (await extension.ask("POST", EXTENSION + "register", "Lambda-Extension-Name: x", body=b"{}"))[1]
    extension.send(
        "GET", EXTENSION + "event/next", f"Lambda-Extension-Identifier: {headers['lambda-extension-identifier']}"
    )
    await asyncio.sleep(0.05)
    extension.writer.close()
    await asyncio.wait_for(fixture.api.failed(), 5)
    assert fixture.api.broken == "Extension.Crash: x is gone"


async def test_init_error(fixture: Fixture) -> None:
    """A runtime that cannot start says so."""
    runtime = await fixture.peer()
    headers = "Lambda-Runtime-Function-Error-Type: Runtime.NoSuchHandler"
    assert (await runtime.ask("POST", RUNTIME + "init/error", headers, body=b"{}"))[0] == 202
    await asyncio.wait_for(fixture.api.failed(), 5)
    assert "Runtime.NoSuchHandler" in fixture.api.broken
