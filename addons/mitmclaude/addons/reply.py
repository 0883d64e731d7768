"""Answers of our own, in the API's error shape (https://platform.claude.com/docs/en/api/errors)."""

import orjson
from mitmproxy import http

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_reply(status: int, message: str, request_id: str) -> http.Response:
    """An error answer; `request_id` stands in its header and its body."""
    kind = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    headers = {"content-type": "application/json", "request-id": request_id, "server": "mitmclaude"}
    return http.Response.make(status, orjson.dumps(body), headers)
