"""The Anthropic Python SDK notices no difference: the same results and errors with and without the proxy."""

from collections.abc import Callable
from typing import Any

import pytest
from anthropic import Anthropic, APIConnectionError, APIStatusError, AsyncAnthropic

from tests.e2e.proxy import Proxy
from tests.e2e.wire import Headers, end_to_end
from tests.upstream import Upstream

MODEL = "claude-opus-5-5"
KEY = "sk-ant-fake-000"
MESSAGES: list[Any] = [{"role": "user", "content": "Grüße, 世界"}]
TOOLS: list[Any] = [{"name": "Read", "description": "Read a file.", "input_schema": {"type": "object"}}]


def client(port: int, scenario: str = "", **change: Any) -> Anthropic:
    headers = {"x-scenario": scenario} if scenario else {}
    return Anthropic(
        base_url=f"http://127.0.0.1:{port}", api_key=KEY, **{"max_retries": 0, "default_headers": headers, **change}
    )


def created(sdk: Anthropic) -> dict[str, Any]:
    message = sdk.messages.create(model=MODEL, max_tokens=64, messages=MESSAGES)
    return {**message.to_dict(), "_request_id": message._request_id}


def streamed(sdk: Anthropic) -> dict[str, Any]:
    with sdk.messages.stream(model=MODEL, max_tokens=64, messages=MESSAGES, tools=TOOLS) as stream:
        events = [event.to_dict() for event in stream]
        return {"events": events, "message": stream.get_final_message().to_dict(), "request_id": stream.request_id}


def raw_streamed(sdk: Anthropic) -> dict[str, Any]:
    with sdk.messages.create(model=MODEL, max_tokens=64, messages=MESSAGES, stream=True) as stream:
        return {"events": [event.to_dict() for event in stream]}


def beta_created(sdk: Anthropic) -> dict[str, Any]:
    betas = ["context-management-2025-06-27", "not-yet-known-2027-01-01"]
    return sdk.beta.messages.create(model=MODEL, max_tokens=64, messages=MESSAGES, betas=betas).to_dict()


def beta_streamed(sdk: Anthropic) -> dict[str, Any]:
    with sdk.beta.messages.stream(model=MODEL, max_tokens=64, messages=MESSAGES, betas=["x-2027-01-01"]) as stream:
        return {"text": list(stream.text_stream), "message": stream.get_final_message().to_dict()}


def counted(sdk: Anthropic) -> dict[str, Any]:
    return sdk.messages.count_tokens(model=MODEL, messages=MESSAGES, tools=TOOLS).to_dict()


def listed(sdk: Anthropic) -> dict[str, Any]:
    return {"models": [model.to_dict() for model in sdk.models.list(limit=10)]}


def sent_headers(upstream: Upstream, index: int) -> Headers:
    pairs = [(name.decode(), value.decode()) for name, value in upstream.requests[index].headers]
    return end_to_end([pair for pair in pairs if pair[0].lower() != "host"])


@pytest.mark.parametrize(
    ("use", "scenario", "endpoint"),
    [
        (created, "text", "messages"),
        (created, "thinking", "messages"),
        (created, "encoded?coding=gzip", "messages"),
        (streamed, "text", "messages"),
        (streamed, "thinking", "messages"),
        (streamed, "text_tool_use?tool=Read&file_path=a", "messages"),
        (streamed, "kitchen_sink", "messages"),
        (streamed, "encoded?coding=gzip", "messages"),
        (streamed, "odd_boundaries", "messages"),
        (raw_streamed, "comments_and_unknown", "messages"),
        (beta_created, "text", "messages"),
        (beta_streamed, "text", "messages"),
        (counted, "count_tokens", "count_tokens"),
        (listed, "models", "models"),
    ],
)
def test_the_result_is_the_same(
    proxy: Proxy, upstream: Upstream, use: Callable[[Anthropic], dict[str, Any]], scenario: str, endpoint: str
) -> None:
    """The SDK's value, and the request as the upstream sees it, are those of a direct call; one record is left."""
    direct, proxied = (use(client(port, scenario)) for port in (upstream.port, proxy.port))
    assert proxied == direct
    first, second = upstream.requests
    assert (second.method, second.target, second.body) == (first.method, first.target, first.body)
    assert sent_headers(upstream, 1) == sent_headers(upstream, 0)
    record = proxy.record()
    assert (record["outcome"], record["endpoint"]) == ("complete", endpoint)
    assert [f for f in record["findings"] if f["kind"] == "violation"] == []
    assert record["response"]["request_id"] == first.request_id


async def test_the_async_client_gets_the_same(proxy: Proxy, upstream: Upstream) -> None:
    """AsyncAnthropic, streaming and not, gets what it gets directly."""
    results = []
    for port in (upstream.port, proxy.port):
        async with AsyncAnthropic(base_url=f"http://127.0.0.1:{port}", api_key=KEY, max_retries=0) as sdk:
            message = await sdk.messages.create(model=MODEL, max_tokens=64, messages=MESSAGES)
            async with sdk.messages.stream(model=MODEL, max_tokens=64, messages=MESSAGES) as stream:
                final = await stream.get_final_message()
            results.append((message.to_dict(), message._request_id, final.to_dict()))
    assert results[0] == results[1]
    assert sent_headers(upstream, 2) == sent_headers(upstream, 0)
    assert [record["outcome"] for record in proxy.records(2)] == ["complete", "complete"]


@pytest.mark.parametrize(
    "scenario", ["error_400", "error_dlp_400", "error_429", "error_500", "error_529", "html_502", "not_found"]
)
def test_an_error_is_the_same(proxy: Proxy, upstream: Upstream, scenario: str) -> None:
    """Class, text, body, request id and retry-after of an error are those of a direct call."""
    errors = []
    for port in (upstream.port, proxy.port):
        with pytest.raises(APIStatusError) as caught:
            created(client(port, scenario))
        error = caught.value
        retry_after = error.response.headers.get("retry-after")
        errors.append((type(error), str(error), error.status_code, error.body, error.request_id, retry_after))
    assert errors[0] == errors[1]
    assert proxy.record()["outcome"] == "api_error"


def test_an_error_in_a_stream_is_the_same(proxy: Proxy, upstream: Upstream) -> None:
    """An error event after some text raises what it raises directly."""
    errors = []
    for port in (upstream.port, proxy.port):
        with pytest.raises(APIStatusError) as caught:
            streamed(client(port, "error_mid_stream.sse"))
        errors.append((type(caught.value), str(caught.value), caught.value.body))
    assert errors[0] == errors[1]
    assert proxy.record()["outcome"] == "stream_error"


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_cut_stream_raises(proxy: Proxy, how: str) -> None:
    """A stream that the upstream cuts is not a good short answer to the SDK."""
    with pytest.raises(Exception, match=r"(?i)peer closed|reset|incomplete|connection"):
        streamed(client(proxy.port, f"cut?how={how}"))
    assert proxy.record()["outcome"] == "truncated"


def test_retries_go_through(proxy: Proxy, upstream: Upstream) -> None:
    """The SDK's own retry after an overload works, and each attempt is a record."""
    upstream.plan("error_529")
    upstream.plan("text")
    assert created(client(proxy.port, max_retries=1))["stop_reason"] == "end_turn"
    assert [record["outcome"] for record in proxy.records(2)] == ["api_error", "complete"]


def test_a_rejection_reads_as_an_api_error(proxy: Proxy, upstream: Upstream) -> None:
    """Our own 400 is to the SDK what the API's is: class, type, message and request id."""
    with pytest.raises(APIStatusError) as caught:
        client(proxy.port).messages.create(model=MODEL, max_tokens=64, messages=[{"role": "user"}])  # type: ignore[list-item]
    assert caught.value.status_code == 400
    assert isinstance(caught.value.body, dict)
    assert caught.value.request_id == caught.value.body["request_id"]
    assert upstream.requests == []
    assert proxy.record()["outcome"] == "rejected"


def test_an_unreachable_upstream_is_no_success(proxy: Proxy) -> None:
    """When the upstream hangs up without a word, the SDK raises."""
    with pytest.raises((APIStatusError, APIConnectionError)):
        created(client(proxy.port, "cut_before_headers"))
    assert proxy.record()["outcome"] == "unreachable"
