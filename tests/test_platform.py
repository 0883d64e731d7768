"""What the Lambda Web Adapter tells."""

from datetime import UTC, datetime

import pytest

from mitmclaude.platform import Invocation, invocation, is_platform

REQUEST = b'{"http":{"method":"POST","sourceIp":"65.78.31.245"},"requestId":"MIZRNhJtIAMEMDw="}'
CONTEXT = b'{"request_id":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","deadline":1700000000000,"invoked_function_arn":"arn"}'


def test_invocation() -> None:
    """Request id, source address and deadline of the invocation."""
    headers = ((b"x-amzn-request-context", REQUEST), (b"x-amzn-lambda-context", CONTEXT))
    assert invocation(headers) == Invocation(
        request_id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        source_ip="65.78.31.245",
        deadline=datetime.fromtimestamp(1_700_000_000, UTC),
    )


@pytest.mark.parametrize("value", [b"", b"[]", b"no json", b'{"http": 5, "deadline": "soon", "requestId": {}}'])
def test_odd_contexts(value: bytes) -> None:
    """Contexts of another shape tell nothing."""
    headers = ((b"x-amzn-request-context", value), (b"x-amzn-lambda-context", value))
    assert invocation(headers) == Invocation()


@pytest.mark.parametrize("name", [b"X-Amzn-Trace-Id", b"x-amz-tenant-id", b"X-Forwarded-For", b"Forwarded", b"via"])
def test_platform_headers(name: bytes) -> None:
    """Headers of the platform are recognised in any case; the client's are not taken for them."""
    assert is_platform(name)
    assert not is_platform(b"x-api-key")
    assert not is_platform(b"anthropic-beta")
