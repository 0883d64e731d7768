"""The body of an answer with a status of 400 or more: https://platform.claude.com/docs/en/api/errors"""

from typing import Annotated, Literal

from mitmclaude.schema.base import JsonObject, Known, OneOf, Opaque, Wire


class ApiError(Wire):
    type: Annotated[
        str,
        Known(
            "api_error",
            "authentication_error",
            "billing_error",
            "conflict_error",
            "invalid_request_error",
            "not_found_error",
            "overloaded_error",
            "permission_error",
            "rate_limit_error",
            "request_too_large",
            "timeout_error",
        ),
    ]
    message: str
    details: JsonObject | None = None


class ErrorResponse(Wire):
    type: Literal["error"]
    error: ApiError
    request_id: str | None = None


ErrorBody = Annotated[ErrorResponse | Opaque, OneOf()]
