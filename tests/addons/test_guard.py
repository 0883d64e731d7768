"""Who is let in, with what, and what is kept of the others."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test import taddons

from mitmclaude import auth
from mitmclaude.addons.capture import Begin
from mitmclaude.addons.connections import Connections
from mitmclaude.addons.guard import RECORDED, Guard
from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.tally import Tally
from tests.addons.flows import asked, settled

TOKEN = auth.new_token(bytes(32))
ORG_KEY = "opaque-key-of-the-organisation"


class Door:
    """A guard with what stands around it."""

    def __init__(self, **values: str) -> None:
        self.live, self.options, self.tally = Live(), settled(**values), Tally()
        self.guard = Guard(self.live, self.options, Connections(self.live, self.options, self.tally), self.tally)
        self.guard.configure(set())

    async def pass_through(self, flow: http.HTTPFlow) -> Capture | None:
        """Run the hooks on a flow; its capture."""
        Begin(self.live, self.options).requestheaders(flow)
        capture = self.live.get(flow.id)
        await self.guard.requestheaders(flow)
        return capture


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Door]]:
    """Makes a door; one for Ann's token, unless other options are given."""
    table = tmp_path / "tokens.json"
    table.write_bytes(auth.dump(auth.added((), "ann", TOKEN, datetime.now(UTC))))
    monkeypatch.setenv("ORG", ORG_KEY)
    with taddons.context() as context:
        context.options.update(server=False)
        yield lambda **values: Door(**{"tokens": f"file:{table}", "org_key": "env:ORG", **values})


def status(flow: http.HTTPFlow) -> int | None:
    return flow.response.status_code if flow.response else None


async def test_a_token_in_its_own_header(door: Callable[..., Door]) -> None:
    """The token is taken off, the client's credential stays, and the capture is let in."""
    flow = asked(headers={"x-capture-token": TOKEN, "x-api-key": "own-credential"})
    capture = await door().pass_through(flow)
    assert capture is not None
    assert (status(flow), capture.admitted, capture.principal) == (None, True, "ann")
    assert dict(flow.request.headers) == {"host": "api.test", "content-length": "2", "x-api-key": "own-credential"}


@pytest.mark.parametrize("headers", [{"x-api-key": TOKEN}, {"Authorization": f"bearer {TOKEN}"}])
async def test_a_token_in_place_of_a_credential(door: Callable[..., Door], headers: dict[str, str]) -> None:
    """The organisation's key goes out, and is one of the literals that are blanked."""
    flow = asked(headers=headers)
    capture = await door().pass_through(flow)
    assert capture is not None
    assert capture.admitted
    assert flow.request.headers["x-api-key"] == ORG_KEY
    assert "authorization" not in flow.request.headers
    assert capture.credentials == {ORG_KEY.encode()}


@pytest.mark.parametrize(
    ("headers", "method", "path", "expected"),
    [
        ({}, "POST", "/v1/messages", 401),
        ({"x-capture-token": "mcl_other"}, "POST", "/v1/messages", 401),
        ({"x-capture-token": TOKEN}, "GET", "/admin", 404),
        ({"x-capture-token": TOKEN}, "TRACE", "/v1/messages", 405),
        ({"x-api-key": TOKEN}, "GET", "/v1/files", 403),
        ({"x-capture-token": TOKEN, "content-length": "99999999"}, "POST", "/v1/messages", 413),
        ({"x-capture-token": TOKEN, "content-length": "two"}, "POST", "/v1/messages", 400),
        ({f"x-{number}": "v" for number in range(300)}, "POST", "/v1/messages", 431),
        ({}, "POST", "/v1/messages?" + "q" * 70_000, 431),
    ],
)
async def test_who_is_refused(
    door: Callable[..., Door], headers: dict[str, str], method: str, path: str, expected: int
) -> None:
    """Each refusal has its status and the API's shape, is not let in, and nothing of its body is kept."""
    flow = asked(method, path, headers)
    capture = await door().pass_through(flow)
    assert capture is not None
    assert status(flow) == expected
    assert (capture.rejected, capture.keeps_body, capture.admitted) == (True, False, False)
    assert flow.response is not None
    assert json.loads(flow.response.content or b"")["type"] == "error"


async def test_what_is_kept_of_a_stranger(door: Callable[..., Door]) -> None:
    """A long header, a long target and many fields leave little; a credential among them is still known as one."""
    secret = "opaque" * 500
    flow = asked(
        path="/v1/messages?q=" + "q" * 5000, headers={"x-api-key": secret} | {f"x-{n}": "v" for n in range(90)}
    )
    capture = await door().pass_through(flow)
    assert capture is not None
    assert capture.path == "/v1/messages?[not-kept]"
    assert len(capture.headers) == 64
    assert (b"x-api-key", b"[3000 bytes, not kept]") in capture.headers
    assert secret.encode() in capture.credentials


async def test_a_flood_of_strangers(door: Callable[..., Door], caplog: pytest.LogCaptureFixture) -> None:
    """Beyond so many a minute a refused request has no capture, its body is let go, and it is counted."""
    entrance = door()
    for _ in range(RECORDED):
        await entrance.pass_through(asked())
    assert len(entrance.live) == RECORDED
    flow = asked()
    await entrance.pass_through(flow)
    entrance.guard.request(flow)
    assert status(flow) == 401
    assert flow.id not in entrance.live
    assert flow.request.raw_content == b""
    assert "refused without a record: 1 with 401" in caplog.text


async def test_the_rate_of_a_token(door: Callable[..., Door]) -> None:
    """A token's calls a minute are bounded, each answer tells when to come back."""
    entrance = door(max_rate="2")
    flows = [asked(headers={"x-capture-token": TOKEN}) for _ in range(3)]
    for flow in flows:
        await entrance.pass_through(flow)
    assert [status(flow) for flow in flows] == [None, None, 429]
    assert flows[2].response is not None
    assert 1 <= int(flows[2].response.headers["retry-after"]) <= 30


async def test_probes_need_no_token(door: Callable[..., Door]) -> None:
    """A probe is answered, and is no capture."""
    flow = asked("HEAD", "/", {"content-length": "0"})
    assert await door().pass_through(flow) is None
    assert status(flow) == 200


@pytest.mark.parametrize("values", [{"tokens": "", "org_key": ""}, {"auth": "none"}])
async def test_without_tokens_everybody_passes(door: Callable[..., Door], values: dict[str, str]) -> None:
    """Where no tokens are wanted nothing is asked, and nothing changed."""
    flow = asked()
    capture = await door(**values).pass_through(flow)
    assert status(flow) is None
    assert capture is not None
    assert not capture.rejected


async def test_upstream_is_only_contacted_for_a_request_that_was_let_in(door: Callable[..., Door]) -> None:
    """A connection to upstream is refused unless a request of the same client was let in."""
    entrance = door()
    for headers, is_open in (({}, False), ({"x-capture-token": TOKEN}, True)):
        flow = asked(headers=headers)
        await entrance.pass_through(flow)
        data = ServerConnectionHookData(Server(address=("api.test", 80)), flow.client_conn)
        entrance.guard.server_connect(data)
        assert (data.server.error is None) is is_open
