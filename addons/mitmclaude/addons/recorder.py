"""Make and store one record for every exchange, whatever became of it."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from mitmproxy import http

from mitmclaude.addons import flows
from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.offload import Offload
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.store import StoreAddon
from mitmclaude.addons.tee import release
from mitmclaude.exchange import End, Exchange
from mitmclaude.options import Settings
from mitmclaude.record import build, line, metrics
from mitmclaude.record.record import Record, flow_key, record_key, to_json
from mitmclaude.redact import Redactor, credentials
from mitmclaude.request.session import session
from mitmclaude.request.summary import Summary

logger = logging.getLogger(__name__)

HELD = 20.0
"""Seconds for which the end of an answer waits for its record at most: traffic comes first."""


class Recorder:
    """Finishes each capture once: the first of the hooks `response`, `error` and `done` takes it away.

    The hooks are awaited before mitmproxy ends the answer, so that who saw its end finds the record in the store.
    """

    def __init__(self, live: Live, options: ClaudeOptions, store: StoreAddon, offload: Offload) -> None:
        self._live = live
        self._options = options
        self._store = store
        self._offload = offload

    async def response(self, flow: http.HTTPFlow) -> None:
        if capture := self._live.pop(flow.id, None):
            try:
                await self._finish(flow, capture, "rejected" if capture.rejected else "answered")
            finally:
                if capture.tap is not None:
                    release(flow, capture.tap)

    async def error(self, flow: http.HTTPFlow) -> None:
        if capture := self._live.pop(flow.id, None):
            message = flow.error.msg if flow.error else ""
            await self._finish(flow, capture, end_of(message, capture))

    def done(self) -> None:
        """Keep what is under way: mitmproxy cuts it after this hook, or it goes on without this addon."""
        while self._live:
            _, capture = self._live.popitem()
            self._submit(capture, "shutdown")
            if capture.tap is not None:
                capture.tap.length = None
                release(capture.flow, capture.tap)
        self._offload.close()
        self._store.tell()

    def keep_partial(self, capture: Capture, why: str) -> None:
        """Store what there is of a record; the whole one takes its place and is told, if it comes to that."""
        capture.partial = self._submit(capture, "shutdown", why, is_partial=True)

    async def _finish(self, flow: http.HTTPFlow, capture: Capture, end: End) -> None:
        kept = self._submit(capture, end)
        done, _ = await asyncio.wait([asyncio.wrap_future(kept)], timeout=HELD)
        if not done:
            logger.warning("the record of request %s takes over %.0f s: its answer ends before it", capture.id, HELD)
        elif record := kept.result():
            mark(flow, record)

    def _submit(self, capture: Capture, end: End, *errors: str, is_partial: bool = False) -> Future[Record | None]:
        capture.end = capture.elapsed()
        if capture.deadline is not None:
            capture.deadline.cancel()
        flow = capture.flow
        if capture.tap is not None and flow.response is not None and flow.response.stream is capture.tap:
            flow.response.raw_content = capture.tap.content  # for mitmweb and -w; what was sent does not change
            errors += (capture.tap.failure,) if capture.tap.failure else ()
        elif flow.response is not None:
            capture.response_end = capture.end
        exchange = partial(flows.exchange, flow, capture, end, errors=errors)
        job = partial(self._keep, capture, exchange, flow.get_state(), self._options.settings, capture.partial)
        return self._offload.submit(0, job, is_partial)

    def _keep(
        self,
        capture: Capture,
        exchange: Callable[..., Exchange],
        state: dict[str, Any],
        settings: Settings,
        earlier: Future[Record | None] | None,
        is_partial: bool,
    ) -> Record | None:
        """Build and store the record and the raw flow; in a thread."""
        redactor = Redactor(settings.fingerprint_key, credentials(capture.headers, capture.path) | capture.credentials)
        try:
            if earlier is not None:
                earlier.result()  # lest the partial record comes after the whole one
            size = _size(state)
            key, failure = self._keep_flow(capture, state, settings, redactor, size)
            summary, who = capture.summary.result() if capture.summary else (Summary(), session(capture.headers, {}))
            made = exchange(flow_key=key, more=failure)
            record = self._offload.run(size, build.record, made, summary, who, settings.capture, redactor)
            self._store.put(record_key(record.id, record.started_at), to_json(record))
            if not is_partial:
                report(record, settings)
        except Exception:  # noqa: BLE001  an error may quote what it stumbled on
            logger.error("no record of request %s: %s", capture.id, redactor.text(traceback.format_exc()))  # noqa: TRY400
            return None
        return record

    def _keep_flow(
        self, capture: Capture, state: dict[str, Any], settings: Settings, redactor: Redactor, size: int
    ) -> tuple[str | None, tuple[str, ...]]:
        """Store the raw flow: its key, and what failed."""
        if settings.capture == "metadata" or not capture.keeps_body:
            return None, ()
        key = flow_key(capture.id, capture.started_at)
        try:
            raw = self._offload.run(size, flows.raw_flow, state, settings.capture, redactor)
        except Exception as error:  # noqa: BLE001  the record is made all the same
            return None, (f"raw flow: {type(error).__name__}",)
        self._store.put(key, raw)
        return key, ()


def end_of(message: str, capture: Capture) -> End:
    """How an exchange ended, from what mitmproxy says in its `error` hook."""
    refused = ("body_size_limit", " from client, refusing", "received an HTTP CONNECT request")
    if capture.rejected or (
        message.startswith(("Request", "Received", "mitmproxy")) and any(r in message for r in refused)
    ):
        return "rejected"
    if "client disconnected" in message.lower() or capture.request_end is None:
        return "client_gone"
    return "upstream_failed"


def mark(flow: http.HTTPFlow, record: Record) -> None:
    """Show the verdict in mitmproxy's user interfaces and filters (`~comment`, `~meta`, `~marked`)."""
    flow.comment = line.comment(record)
    if record.outcome != "complete":
        flow.marked = ":warning:"
    flow.metadata |= {
        "claude.id": record.id,
        "claude.outcome": record.outcome,
        "claude.session": record.session_id or "",
        "claude.model": record.request.model or "",
    }


def report(record: Record, settings: Settings) -> None:
    """Print what `claude_log` asks for."""
    match settings.log:
        case "json" | "emf":
            said = line.flat(record) if settings.log == "json" else metrics.emf(record)
            sys.stdout.write(said.decode() + "\n")
            sys.stdout.flush()
        case "line" | "verbose":
            text = line.line(record) if settings.log == "line" else line.verbose(record)
            logger.log(logging.INFO if record.outcome == "complete" else logging.WARNING, "%s", text)


def _size(state: dict[str, Any]) -> int:
    """Bytes of both bodies; a compressed one may hold a thousand times as many."""
    size = 0
    for part in (state["request"], state.get("response")):
        if part and part["content"]:
            is_encoded = any(name.lower() == b"content-encoding" for name, _ in part["headers"])
            size += len(part["content"]) * (100 if is_encoded else 1)
    return size
