"""What the Lambda Web Adapter tells of an invocation, and which headers are the platform's own.

https://github.com/aws/aws-lambda-web-adapter: it overwrites both context headers, so that a client cannot forge them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from mitmclaude.headers import Headers, header


class Invocation(BaseModel):
    """The invocation that a request came in by."""

    model_config = ConfigDict(frozen=True)

    request_id: str | None = None
    """As in the platform's logs."""
    source_ip: str | None = None
    deadline: datetime | None = None
    """When the platform ends it, whatever is under way."""


def is_platform(name: bytes) -> bool:
    """Whether a header was put there by the platform or the adapter, and is none of upstream's business."""
    name = name.lower()
    return name.startswith((b"x-amzn-", b"x-amz-", b"x-forwarded-")) or name in (b"forwarded", b"via")


def invocation(headers: Headers) -> Invocation:
    """The invocation, as far as the adapter's headers tell."""
    request = _object(header(headers, b"x-amzn-request-context"))
    context = _object(header(headers, b"x-amzn-lambda-context"))
    http = request.get("http")
    deadline = context.get("deadline")
    return Invocation(
        request_id=_text(context.get("request_id")) or _text(request.get("requestId")),
        source_ip=_text(http.get("sourceIp")) if isinstance(http, dict) else None,
        deadline=datetime.fromtimestamp(deadline / 1000, UTC) if isinstance(deadline, int) else None,
    )


def _object(text: str | None) -> Mapping[str, Any]:
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value[:128] if isinstance(value, str) else None
