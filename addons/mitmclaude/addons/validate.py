"""Check each request of the Messages API before it goes upstream, and refuse a malformed one."""

import asyncio
from secrets import token_bytes

from mitmproxy import http

from mitmclaude import ids
from mitmclaude.addons.live import Capture, Live
from mitmclaude.addons.recording import Recording
from mitmclaude.addons.reply import error_reply
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.findings import Finding
from mitmclaude.recorder.by_size import is_coded, is_large
from mitmclaude.request.check import Endpoint
from mitmclaude.request.examine import examine

NAMED = 10
"""Violations that the refusal names; the record has all of them."""


class Validate:
    """Checks a short body at once; a long or compressed one is left to the recorder, so that no stream waits for it."""

    name = "claude.validate"

    def __init__(self, live: Live, options: ClaudeOptions, recording: Recording) -> None:
        self._live = live
        self._options = options
        self._recording = recording

    async def request(self, flow: http.HTTPFlow) -> None:
        capture = self._live.get(flow.id)
        if capture is None:
            return
        capture.request_end = capture.elapsed()
        if not capture.keeps_body:
            flow.request.raw_content = b""
            return
        capture.body = flow.request.raw_content or b""
        level = self._options.settings.validation
        if level != "off" and (capture.endpoint == "messages" or capture.endpoint == "count_tokens"):
            await self._check(capture, capture.endpoint)
            wrong = [finding for finding in capture.findings if finding.kind == "violation"]
            if wrong and level == "enforce" and flow.response is None:
                capture.rejected = True
                flow.response = error_reply(400, refusal(wrong), ids.request_id(token_bytes(10)))
        # in the next turn of the loop: the request is on its way by then, and its half is recorded while upstream works
        asyncio.get_running_loop().call_soon(self._recording.open, capture)

    async def _check(self, capture: Capture, endpoint: Endpoint) -> None:
        level = self._options.settings.validation
        if is_large(capture.body, capture.headers) or (capture.body and is_coded(capture.headers)):
            capture.findings = await self._recording.examine(capture, level)
        else:
            examined = examine(endpoint, capture.body, level)
            capture.findings, capture.parsed = examined.findings, examined.body


def refusal(wrong: list[Finding]) -> str:
    """The text of the answer to a malformed request, one violation a line."""
    lines = [f"{finding.path or 'body'}: {finding.message}" for finding in wrong[:NAMED]]
    if len(wrong) > NAMED:
        lines.append(f"and {len(wrong) - NAMED} more")
    return "mitmclaude refused this request before it went upstream: " + "\n".join(lines)
