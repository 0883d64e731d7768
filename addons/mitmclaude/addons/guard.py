"""Let only those in who hold a token, only to the API's paths, and only so often.

All of it is decided when the headers are there: before the body is read, and before upstream is contacted.
"""

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable
from secrets import token_bytes

from mitmproxy import ctx, http
from mitmproxy.net.http import http1
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.proxy.mode_specs import ProxyMode

from mitmclaude import auth, ids, rate, target
from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.reply import error_reply
from mitmclaude.addons.settings import ClaudeOptions, is_set
from mitmclaude.addons.tee import writer_of
from mitmclaude.auth import Denied, Principal, Table
from mitmclaude.stores.secret import Secret, open_secret

logger = logging.getLogger(__name__)

FRESH, STALE = 20.0, 50.0
"""Seconds after which the tokens are read again beside the calls, and after which a call waits for that."""

DRAINED = 64 * 1024
"""Bytes of a refused request's body that are still read, so that its answer arrives; from a longer one we hang up."""

FIELDS, HEAD = 256, 64 * 1024
"""Header fields of a request, and their bytes in all; Claude Code sends some 25 of 2 KB."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Guard:
    """Checks each captured request of a listener that wants tokens."""

    def __init__(self, live: Live, options: ClaudeOptions) -> None:
        self._live = live
        self._options = options
        self._opened: tuple[str, str] = ("", "")
        self._tokens: Secret | None = None
        self._table: Table = ()
        self._read_at = -math.inf
        self._reading: asyncio.Task[None] | None = None
        self._org_key = b""
        self._buckets: dict[str, rate.Bucket] = {}

    def configure(self, _updated: set[str]) -> None:
        settings = self._options.settings
        wanted = (settings.tokens, settings.org_key)
        if wanted != self._opened:
            self._opened = wanted
            self._try("claude_tokens", self._open_tokens, settings.tokens)
            self._try("claude_org_key", self._open_org_key, settings.org_key)
        if not settings.tokens and settings.auth != "none" and ctx.options.server and is_public():
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
        self._tokens = open_secret(url) if url else None
        if self._tokens is not None:
            self._table = auth.parse(self._tokens.read())
            self._read_at = time.time()

    def _open_org_key(self, url: str) -> None:
        self._org_key = open_secret(url).read().strip() if url else b""

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        if self._tokens is None or self._options.settings.auth == "none" or flow.response or not flow.live:
            return
        capture = self._live.get(flow.id)
        if capture is None:  # a probe of the connection, which needs no token and goes no further
            flow.response = http.Response.make(200, b"ok\n", {"content-type": "text/plain"})
            return
        await self._refresh()
        try:
            self._decide(flow, capture)
        except Exception as error:  # noqa: BLE001  whatever could not be decided does not pass
            refuse(flow, capture, 400, f"malformed request: {type(error).__name__}")

    def _decide(self, flow: http.HTTPFlow, capture: Capture) -> None:
        request, settings = flow.request, self._options.settings
        size = expected_http_body_size(request)
        authority = "" if request.is_http2 else request.authority  # of HTTP/2 it is the Host
        if len(capture.headers) > FIELDS or sum(len(n) + len(v) for n, v in capture.headers) > HEAD:
            refuse(flow, capture, 431, f"wanted at most {FIELDS} header fields of {HEAD} bytes in all")
            return
        who = auth.identify(capture.headers, self._table, injected=bool(self._org_key))
        if isinstance(who, Denied):
            refuse(flow, capture, 401, who.reason)
            return
        capture.principal = who.name
        if wrong := target.problem(request.method, request.path, authority, "upgrade" in request.headers):
            refuse(flow, capture, 404, wrong)
        elif wait := self._wait(who.name):
            refuse(flow, capture, 429, f"more than {settings.max_rate} calls a minute", wait)
        elif size is None:
            refuse(flow, capture, 411, "wanted a Content-Length")
        elif size > settings.max_body:
            refuse(flow, capture, 413, f"a body of {size} bytes is over {settings.max_body}")
        else:
            self._settle(request, who)

    def _wait(self, name: str) -> float:
        limit = self._options.settings.max_rate
        if not limit:
            return 0.0
        self._buckets[name], wait = rate.take(self._buckets.get(name), limit, time.monotonic())
        return wait

    def _settle(self, request: http.Request, who: Principal) -> None:
        """Our token does not go upstream; where it stood in the place of a credential, the organisation's key does."""
        request.headers.fields = tuple(
            (name, value)
            for name, value in request.headers.fields
            if name.lower() != auth.HEADER and not auth.is_token(value, self._table)
        )
        if self._org_key and who.header != auth.HEADER:
            request.headers.pop("authorization", None)
            request.headers.pop("x-api-key", None)
            name = "authorization" if self._org_key.startswith(b"sk-ant-oat") else "x-api-key"
            value = self._org_key.decode("latin-1")
            request.headers[name] = f"Bearer {value}" if name == "authorization" else value

    async def _refresh(self) -> None:
        """Read the tokens again in time: a revoked one is refused within a minute, also after a thaw."""
        age = time.time() - self._read_at
        if age > FRESH and (self._reading is None or self._reading.done()):
            self._reading = asyncio.get_running_loop().create_task(self._read())
        if age > STALE and self._reading is not None:
            await asyncio.wait([self._reading])

    async def _read(self) -> None:
        assert self._tokens is not None  # noqa: S101
        try:
            content = await asyncio.to_thread(self._tokens.read)
            self._table = auth.parse(content)
        except (OSError, ValueError) as error:  # the last good copy serves on: nobody is locked out
            logger.warning("tokens are %.0f s old, as they cannot be read: %s", time.time() - self._read_at, error)
        else:
            self._read_at = time.time()


def refuse(flow: http.HTTPFlow, capture: Capture, status: int, reason: str, wait: float = 0.0) -> None:
    """Answer in the API's error shape; from a long body we hang up, and nothing of any body is kept."""
    capture.rejected = True
    capture.keeps_body = False
    flow.request.headers.pop("expect", None)  # nobody is asked to go on
    reply = error_reply(status, f"mitmclaude: {reason}", ids.request_id(token_bytes(10)))
    if wait:
        reply.headers["retry-after"] = str(math.ceil(wait))
    else:
        reply.headers["x-should-retry"] = "false"  # else Claude Code tries for minutes, without a word
    flow.response = reply
    try:
        size = expected_http_body_size(flow.request)
    except ValueError:
        size = None
    if size is None or size > DRAINED:
        reply.headers["connection"] = "close"
        if (writer := writer_of(flow)) is not None:
            writer.write(http1.assemble_response(reply))
        flow.kill()


def is_public() -> bool:
    """Whether anybody but this machine may reach the listener: on Lambda always."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return True
    modes = [ProxyMode.parse(mode) for mode in ctx.options.mode] if is_set("mode") else []
    default = ctx.options.listen_host if is_set("listen_host") else LOOPBACK[0]
    hosts = [mode.listen_host(default) for mode in modes]
    return any(host not in LOOPBACK for host in (hosts or [default]))
