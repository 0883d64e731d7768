"""Let only those in who hold a token, only to the API's paths, and only so often.

All of it is decided when the headers are there: before the body is read, and before upstream is contacted. That nothing
goes upstream undecided is up to `Gate`.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from mitmproxy import ctx, http
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from mitmclaude import auth, rate, target
from mitmclaude.addons.connections import Connections
from mitmclaude.addons.listening import is_public, wants_tokens, way_around
from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.refusal import clip, refuse
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.tally import Tally
from mitmclaude.addons.tee import writer_of
from mitmclaude.addons.tokens import Tokens
from mitmclaude.auth import Denied
from mitmclaude.redact import credentials
from mitmclaude.stores.secret import open_secret

FIELDS, HEAD = 256, 64 * 1024
"""Header fields of a request, and bytes of target and headers in all; Claude Code sends some 25 of 2 KB."""

RECORDED = 60
"""Requests of strangers a minute that have a record each; the others are counted."""


class Guard:
    """Checks each captured request of a listener that wants tokens."""

    name = "claude.guard"

    def __init__(self, live: Live, options: ClaudeOptions, connections: Connections, tally: Tally) -> None:
        self._live = live
        self._options = options
        self._connections = connections
        self._tally = tally
        self._opened: tuple[str, str] = ("", "")
        self._tokens: Tokens | None = None
        self._org_key = b""
        self._buckets: dict[str, rate.Bucket] = {}
        self._strangers: rate.Bucket | None = None

    def configure(self, _updated: set[str]) -> None:
        settings = self._options.settings
        wanted = (settings.tokens, settings.org_key)
        if wanted != self._opened:
            self._opened = wanted
            self._try("claude_tokens", self._open_tokens, settings.tokens)
            self._try("claude_org_key", self._open_org_key, settings.org_key)
        if not ctx.options.server:
            return
        if wants_tokens(settings):
            if problem := way_around():
                self._options.fail(problem)
        elif settings.auth != "none" and is_public():
            self._options.fail(
                "listens on other than loopback without tokens: set claude_tokens (see `mitmclaude token --help`), "
                "or claude_auth=none to let everybody in"
            )

    def _try(self, option: str, open_it: Callable[[str], None], url: str) -> None:
        try:
            open_it(url)
        except (OSError, ValueError) as error:
            self._options.fail(f"{option}: {error}")

    def _open_tokens(self, url: str) -> None:
        self._tokens = Tokens(open_secret(url)) if url else None

    def _open_org_key(self, url: str) -> None:
        self._org_key = open_secret(url).read().strip() if url else b""

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        if not wants_tokens(self._options.settings) or flow.response or not flow.live:
            return
        capture = self._live.get(flow.id)
        if capture is None:  # a probe of the connection, which needs no token and goes no further
            flow.response = http.Response.make(200, b"ok\n", {"content-type": "text/plain"})
            return
        if self._tokens is None:
            self._refuse_stranger(flow, capture, 503, "there is no table of tokens")
            return
        with paused(flow) if self._tokens.is_stale else contextlib.nullcontext():
            unknown = await self._tokens.refresh()
        if unknown:
            self._refuse_stranger(flow, capture, 503, unknown)
            return
        try:
            self._decide(flow, capture, self._tokens)
        except Exception as error:  # noqa: BLE001  whatever could not be decided does not pass
            refuse(flow, capture, 400, f"malformed request: {type(error).__name__}")

    def request(self, flow: http.HTTPFlow) -> None:
        if wants_tokens(self._options.settings) and flow.live and flow.response and flow.id not in self._live:
            flow.request.raw_content = b""  # a stranger's, without a record

    def server_connect(self, connecting: ServerConnectionHookData) -> None:
        """Refuse what no admitted request asked for, as a tunnel would be."""
        if wants_tokens(self._options.settings) and not any(
            capture.admitted and capture.flow.client_conn == connecting.client for capture in self._live.values()
        ):
            connecting.server.error = "mitmclaude: no request with a token asked for it"

    def _decide(self, flow: http.HTTPFlow, capture: Capture, tokens: Tokens) -> None:
        request, settings = flow.request, self._options.settings
        size = expected_http_body_size(request)
        authority = "" if request.is_http2 else request.authority  # of HTTP/2 it is the Host
        head = len(capture.path) + sum(len(name) + len(value) for name, value in capture.headers)
        if len(capture.headers) > FIELDS or head > HEAD:
            reason = f"wanted at most {FIELDS} header fields, and {HEAD} bytes of target and headers in all"
            self._refuse_stranger(flow, capture, 431, reason)
            return
        who = auth.identify(capture.headers, tokens.table, injected=bool(self._org_key))
        if isinstance(who, Denied):
            self._refuse_stranger(flow, capture, 401, who.reason)
            return
        capture.principal = who.name
        self._connections.admit(flow.client_conn)
        injected = bool(self._org_key) and who.header != auth.HEADER
        upgrades = "upgrade" in request.headers
        if wrong := target.problem(request.method, request.path, authority, upgrades=upgrades, injected=injected):
            refuse(flow, capture, wrong.status, wrong.reason)
        elif wait := self._wait(who.name):
            refuse(flow, capture, 429, f"more than {settings.max_rate} calls a minute", wait=wait)
        elif size is None:
            refuse(flow, capture, 411, "wanted a Content-Length")
        elif size > settings.max_body:
            refuse(flow, capture, 413, f"a body of {size} bytes is over {settings.max_body}")
        else:
            self._settle(request, tokens, injected=injected)
            capture.credentials = credentials(request.headers.fields, request.path)
            capture.admitted = True

    def _refuse_stranger(self, flow: http.HTTPFlow, capture: Capture, status: int, reason: str) -> None:
        """Refuse whoever showed no token: little is kept of it, and of many only their number."""
        self._connections.doubt(flow.client_conn)
        clip(capture)
        self._strangers, wait = rate.take(self._strangers, RECORDED, time.monotonic())
        if wait:
            self._live.pop(flow.id, None)
            self._tally.count(f"with {status}")
        refuse(flow, capture, status, reason, hang_up=True)

    def _wait(self, name: str) -> float:
        limit = self._options.settings.max_rate
        if not limit:
            return 0.0
        self._buckets[name], wait = rate.take(self._buckets.get(name), limit, time.monotonic())
        return wait

    def _settle(self, request: http.Request, tokens: Tokens, *, injected: bool) -> None:
        """Our token does not go upstream; where it stood in the place of a credential, the organisation's key does."""
        request.headers.fields = tuple(
            (name, value)
            for name, value in request.headers.fields
            if name.lower() != auth.HEADER and not auth.is_token(value, tokens.table)
        )
        if injected:
            request.headers.pop("authorization", None)
            request.headers.pop("x-api-key", None)
            name = "authorization" if self._org_key.startswith(b"sk-ant-oat") else "x-api-key"
            value = self._org_key.decode("latin-1")
            request.headers[name] = f"Bearer {value}" if name == "authorization" else value


@contextlib.contextmanager
def paused(flow: http.HTTPFlow) -> Iterator[None]:
    """Read nothing more of a client meanwhile: mitmproxy would keep it all in memory."""
    writer = writer_of(flow)
    if writer is not None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if writer is not None:
            writer.transport.resume_reading()  # type: ignore[attr-defined]
