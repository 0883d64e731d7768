"""What makes a mitmdump "bare": event streams pass as they come, and nothing else is done."""

from mitmproxy import http


def responseheaders(flow: http.HTTPFlow) -> None:
    if flow.response and "text/event-stream" in flow.response.headers.get("content-type", ""):
        flow.response.stream = True
