"""Check each request of the Messages API before it goes upstream, and refuse a malformed one."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from secrets import token_bytes
from typing import Any

from mitmproxy import http

from mitmclaude import ids
from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.offload import LARGE, Offload
from mitmclaude.addons.reply import error_reply
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.encoding import TooLargeError
from mitmclaude.findings import Finding, drift
from mitmclaude.options import ValidationLevel
from mitmclaude.request.check import Endpoint
from mitmclaude.request.examine import examine, parse_and_check, reduce

NAMED = 10
"""Violations that the refusal names; the record has all of them."""


class Validate:
    """Examines bodies: a short one at once, a long one in another process, so that no other stream waits for it."""

    def __init__(self, live: Live, options: ClaudeOptions, offload: Offload) -> None:
        self._live = live
        self._options = options
        self._offload = offload

    async def request(self, flow: http.HTTPFlow) -> None:
        capture = self._live.get(flow.id)
        if capture is None:
            return
        capture.request_end = capture.elapsed()
        if not capture.keeps_body:
            flow.request.raw_content = b""
            return
        capture.body = flow.request.raw_content or b""
        if capture.endpoint == "messages" or capture.endpoint == "count_tokens":
            body = await self._examine(capture, capture.endpoint)
            wrong = [finding for finding in capture.findings if finding.kind == "violation"]
            if wrong and self._options.settings.validation == "enforce" and flow.response is None:
                capture.rejected = True
                flow.response = error_reply(400, refusal(wrong), ids.request_id(token_bytes(10)))
            if body is not None:
                self._reduce(capture, body)

    async def _examine(self, capture: Capture, endpoint: Endpoint) -> Mapping[str, Any] | None:
        """Set the findings; the body, which is yet to be reduced, or None where another process has done it all."""
        level = self._options.settings.validation
        try:
            examined = parse_and_check(endpoint, capture.headers, capture.body, level, LARGE)
        except TooLargeError:
            await self._examine_elsewhere(capture, endpoint, level)
            return None
        capture.findings = examined.findings
        return examined.body

    async def _examine_elsewhere(self, capture: Capture, endpoint: Endpoint, level: ValidationLevel) -> None:
        work = self._offload.submit(LARGE, examine, endpoint, capture.headers, capture.body, level)
        try:
            capture.findings, summary, session = await asyncio.wrap_future(work)
        except MemoryError:  # of the other process, which is held to a bound
            capture.findings = (drift("", "too many values to be examined: forwarded unchecked"),)
        else:
            capture.summary = Future()
            capture.summary.set_result((summary, session))

    def _reduce(self, capture: Capture, body: Mapping[str, Any]) -> None:
        def submit() -> None:
            capture.summary = self._offload.submit(0, reduce, capture.headers, body)

        if capture.rejected:
            submit()
        else:  # in the next turn: by then the request is on its way, and the summary is made while upstream works
            asyncio.get_running_loop().call_soon(submit)


def refusal(wrong: list[Finding]) -> str:
    """The text of the answer to a malformed request, one violation a line."""
    lines = [f"{finding.path or 'body'}: {finding.message}" for finding in wrong[:NAMED]]
    if len(wrong) > NAMED:
        lines.append(f"and {len(wrong) - NAMED} more")
    return "mitmclaude refused this request before it went upstream: " + "\n".join(lines)
