"""The real adapter and a toy app on the local platform: what Lambda does to a function, seen from both of its ends."""

import concurrent.futures
import gzip
import hashlib
import json
import os
import time
from collections.abc import Iterable
from typing import Any

import pytest
from scripts.lambda_local import Local, front
from scripts.lambda_local.event import LIMIT

from tests.e2e.wire import Answer, Client, call
from tests.lambda_local.conftest import Start
from tests.lambda_local.toy import TICK

pytestmark = pytest.mark.e2e

JSON = ("content-type", "application/json")
ERROR = b"Internal Server Error"


def get(local: Local, target: str, *headers: tuple[str, str]) -> Answer:
    return call(local.port, "GET", target, headers)


def post(local: Local, body: bytes, *headers: tuple[str, str]) -> Any:
    return json.loads(call(local.port, "POST", "/echo", headers, body).body)


def ticks(local: Local) -> dict[str, float]:
    counted: dict[str, float] = json.loads(get(local, "/ticks").body)
    return counted


def gone(pids: Iterable[int]) -> bool:
    return not any(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: PTH110


def test_chunks_pass_at_once(local: Local) -> None:
    """Every event of a stream arrives when it is sent, the headers before all."""
    with Client(local.port) as client:
        began = time.monotonic()
        client.send("GET", "/stream?n=4&gap=0.3").read_head()
        at = []
        while client.read_body():
            at.append(time.monotonic() - began)
        assert client.whole
    assert at[3] - at[0] > 0.6, at


def test_prelude_cookies_and_remapped_headers(local: Local) -> None:
    """Status, cookies and headers of the app arrive; those that AWS keeps for itself are renamed."""
    answer = get(local, "/cookies")
    assert answer.status == 201
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == ["a=1; Path=/", "b=2"]
    assert answer.header("x-amzn-remapped-server").startswith("toy/1")  # type: ignore[union-attr]
    assert answer.header("x-amzn-remapped-www-authenticate") == "Basic"
    assert answer.header("x-amzn-remapped-content-length") == "2"
    assert answer.header("www-authenticate") is answer.header("server") is answer.header("content-length") is None
    assert answer.header("x-amzn-requestid")
    assert answer.body == b"ok"


def test_several_values_of_an_answer_header(local: Local) -> None:
    """They arrive as they came, with a line in the log: what AWS makes of them is not known."""
    answer = get(local, "/twice")
    assert [value for name, value in answer.headers if name == "x-twice"] == ["one", "two"]
    assert local.wait_for(f"{answer.header('x-amzn-requestid')} a header occurs twice")


def test_request_headers_and_cookies(local: Local) -> None:
    """Duplicates are joined, cookies are one header, the target stays raw."""
    headers = [("X-Twice", "1"), ("x-twice", "2"), ("Cookie", "a=1; b=2"), ("cookie", "c=3"), ("X-Forwarded-For", "9.9.9.9")]  # fmt: skip
    echo = json.loads(call(local.port, "GET", "/echo/a%2Fb?k=1&k=2&s=%20", headers).body)
    got = dict(echo["headers"])
    assert len(got) == len(echo["headers"])
    assert got["x-twice"] == "1,2"
    assert got["cookie"].replace(" ", "") == "a=1;b=2;c=3"
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert echo["target"] == "/echo/a%2Fb?k=1&k=2&s=%20"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ('{"x":"é\\n\\u0000"}'.encode(), [JSON]),
        (gzip.compress(b'{"x":1}' * 99), [JSON, ("content-encoding", "gzip")]),
        (bytes(range(256)), [("content-type", "application/octet-stream")]),
        (b"no type", []),
    ],
    ids=["utf8", "gzip", "binary", "untyped"],
)
@pytest.mark.parametrize("chunks", [0, 7], ids=["length", "chunked"])
def test_bodies_arrive_whole(local: Local, body: bytes, headers: list[tuple[str, str]], chunks: int) -> None:
    """Text and base64 alike, sent with a length or in chunks: the app gets the same bytes, with a length."""
    echo = json.loads(call(local.port, "POST", "/echo", headers, body, chunks=chunks).body)
    assert echo["sha256"] == hashlib.sha256(body).hexdigest()
    assert dict(echo["headers"])["content-length"] == str(len(body))


def test_binary_answer(local: Local) -> None:
    """Bytes come back as they are, NULs included."""
    assert get(local, "/binary").body == bytes(range(256))


def test_event_over_the_limit(local: Local) -> None:
    """The event counts, not the body: one byte too many gives 413, and the function is not invoked."""
    local.wait_until_idle()
    body = b"x" * (LIMIT - 4000)
    before = sum(environment.invocations for environment in local.environments)
    assert post(local, body, ("content-type", "text/plain"))["sha256"] == hashlib.sha256(body).hexdigest()
    for large in (b"\n" * (LIMIT // 2), b"x" * LIMIT, b"x" * (2 * LIMIT)):
        answer = call(local.port, "POST", "/echo", [("content-type", "text/plain")], large)
        assert answer.status == 413
        assert b"6291456" in answer.body
    assert sum(environment.invocations for environment in local.environments) == before + 1


def test_one_connection_many_requests(local: Local) -> None:
    """The connection of a client stays open between requests, with and without a body in the answer."""
    with Client(local.port) as client:
        for _ in range(3):
            assert client.send("GET", "/ready").answer().body == b"ready"
        head = client.send("HEAD", "/ready").answer()
        assert (head.status, head.header("x-amzn-remapped-content-length")) == (200, "5")
        local.wait_for("EMPTY BODY to a HEAD request")
        assert client.send("GET", "/ready").answer().body == b"ready"


def test_variables(toy: Start) -> None:
    """The function has the variables of Lambda and its own, nothing of ours."""
    os.environ["MITMCLAUDE_TEST_LEAK"] = "1"
    try:
        with toy(env={"OWN": "at-{port}"}, name="fn", memory=512) as local:
            variables = json.loads(get(local, "/environment").body)
            port = local.environments[0].port
    finally:
        del os.environ["MITMCLAUDE_TEST_LEAK"]
    wanted = {
        "AWS_LAMBDA_FUNCTION_NAME": "fn", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "OWN": f"at-{port}",
        "AWS_LWA_PORT": str(port), "PORT": str(port), "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/fn",
    }  # fmt: skip
    assert wanted.items() <= variables.items()
    assert not {"MITMCLAUDE_TEST_LEAK", "HOME", "VIRTUAL_ENV"} & set(variables)


def test_frozen_between_invocations(toy: Start) -> None:
    """Nothing runs after the init and after an answer: a counter in the background stands still."""
    with toy(warm=1) as local:
        local.wait_until_idle()
        assert local.environments[0].frozen
        time.sleep(0.8)
        first = ticks(local)
        assert time.time() - first["started"] > 0.8
        assert first["ticks"] * TICK < 0.4
        local.wait_until_idle()
        time.sleep(0.8)
        second = ticks(local)
        assert second["pid"] == first["pid"]
        assert (second["ticks"] - first["ticks"]) * TICK < 0.4


def test_one_request_at_a_time(toy: Start) -> None:
    """Requests at once have environments of their own, up to the limit, then 429; idle environments serve again."""
    with toy(concurrency=3) as local, concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert get(local, "/ready").status == 200
        assert len(local.environments) == 1
        asked = [pool.submit(get, local, "/sleep?seconds=1.5") for _ in range(3)]
        local.wait_for("toy: started", 3)
        time.sleep(0.2)
        refused = get(local, "/ready")
        assert refused.status == 429
        assert refused.header("x-amzn-errortype") == "TooManyRequestsException"
        assert [future.result().body for future in asked] == [b"slept"] * 3
        local.wait_until_idle()
        assert get(local, "/ready").status == 200
        assert len(local.environments) == 3
        assert len({environment.port for environment in local.environments}) == 3


def test_client_disconnect(toy: Start) -> None:
    """A client that hangs up stops nothing: the function streams to its end."""
    with toy() as local:
        with Client(local.port) as client:
            client.send("GET", "/stream?n=6&gap=0.2").read_head()
            client.read_more()
        left = time.monotonic()
        local.wait_for("toy: stream complete")
        assert time.monotonic() - left > 0.7
        local.wait_for("the client is gone; the invocation goes on")
        local.wait_until_idle()
        assert get(local, "/ready").status == 200
        assert len(local.environments) == 1


def test_timeout_within_a_stream(toy: Start) -> None:
    """The connection is cut within the answer, the environment killed, the next request starts another."""
    with toy(timeout=1.0) as local, Client(local.port) as client:
        client.send("GET", "/stream?n=9&gap=0.3").read_head()
        pids = local.environments[0].pids
        while client.read_body():
            pass
        assert not client.whole
        local.wait_for("Task timed out after 1.00 seconds")
        local.wait_for("Status: timeout")
        assert len(pids) == 2
        assert gone(pids)
        assert get(local, "/ready").status == 200
        assert local.environments[0].state == "ended"


def test_timeout_before_the_answer(toy: Start) -> None:
    """Without a byte of the answer the client gets 502."""
    with toy(timeout=0.5) as local:
        answer = get(local, "/sleep?seconds=5")
        assert (answer.status, answer.body) == (502, ERROR)


def test_crash(toy: Start) -> None:
    """An app that exits gives 502, or a cut answer where it had begun; a new environment serves the next request."""
    with toy() as local:
        answer = get(local, "/crash")
        assert (answer.status, answer.body) == (502, ERROR)
        local.wait_for("Runtime exited with error: exit status 3")
        assert get(local, "/ready").status == 200
        cut = get(local, "/crash_later")
        assert (cut.status, cut.body[:12]) == (200, b"data: half\n\n")
        local.wait_for("Runtime exited with error: exit status 4")
        assert get(local, "/ready").status == 200
        assert len(local.environments) == 3


def test_an_app_that_cuts_its_answer(local: Local) -> None:
    """The adapter ends the answer as if it were whole, with an error as text in the body: a 200 is no proof."""
    answer = get(local, "/cut")
    assert answer.whole
    assert answer.body.startswith(b"data: half\n\nLambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n")


def test_empty_body(toy: Start) -> None:
    """An empty body leaves the client waiting until the timeout, with a line in the log that says why."""
    with toy(timeout=1.5) as local, Client(local.port) as client:
        began = time.monotonic()
        client.send("GET", "/empty").read_head()
        assert time.monotonic() - began < 1
        assert client.read_body() == b""
        assert not client.whole
        assert 1.2 < time.monotonic() - began < 3
        local.wait_for("EMPTY BODY to a GET request")
        local.wait_for("REPORT")


def test_empty_body_without_the_hang(toy: Start) -> None:
    """`strict_empty=False` ends it."""
    with toy(strict_empty=False) as local:
        answer = get(local, "/empty")
        assert (answer.header("request-id"), answer.body, answer.whole) == ("r1", b"", True)


@pytest.mark.parametrize(
    ("arguments", "said"), [((), "Runtime exited: exit status 0"), (("stubborn",), "still there, SIGKILL")]
)
def test_shutdown(toy: Start, arguments: tuple[str, ...], said: str) -> None:
    """A retired environment thaws and gets SIGTERM, which the app can use for 600 ms; then all of it is killed."""
    with toy(*arguments, idle=0.3) as local:
        get(local, "/ready")
        pids = local.environments[0].pids
        local.wait_for("toy: got SIGTERM")
        local.wait_for(said)
        local.wait_until_idle()
        time.sleep(0.1)
        assert gone(pids)
        assert get(local, "/ready").status == 200
        assert len(local.environments) == 2
    assert gone(pid for environment in local.environments for pid in environment.pids)
    assert len(local.wait_for("toy: got SIGTERM")) == 2


def test_init_that_does_not_end(toy: Start) -> None:
    """An app that is not ready in time is started once more within the function's timeout, then the answer is 502."""
    never = {"AWS_LWA_READINESS_CHECK_PATH": "/crash"}
    with toy(env=never) as local:
        assert get(local, "/ready").status == 502
        assert len(local.wait_for("INIT_REPORT .* Runtime exited with error: exit status 3")) == 2
    slow = {"AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "599"}
    with toy(env=slow, init_timeout=0.4, timeout=0.6) as local:
        assert get(local, "/ready").status == 502
        assert [line.text.split()[2] for line in local.wait_for("INIT_REPORT .*Sandbox.Timedout", 2)] == [
            "init",
            "invoke",
        ]


def test_limit_of_an_answer(toy: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit the client is cut off and the function finishes."""
    monkeypatch.setattr(front, "ANSWER_LIMIT", 1 << 20)
    with toy() as local:
        answer = get(local, "/zeros?mb=2")
        assert not answer.whole
        assert len(answer.body) <= 1 << 20
        local.wait_for("REPORT")
        assert get(local, "/ready").status == 200


def test_throttled_answer(toy: Start) -> None:
    """Behind 6 MB an answer comes at 2 MB a second."""
    with toy(throttle=True) as local:
        began = time.monotonic()
        assert len(get(local, "/zeros?mb=7").body) == 7 << 20
        assert 0.4 < time.monotonic() - began < 3


def test_malformed_request(local: Local) -> None:
    """What is not HTTP gets 400, and the platform goes on."""
    with Client(local.port) as client:
        client._socket.sendall(b"hello\r\n\r\n")
        assert client.send("GET", "/").read_head()[0].startswith("HTTP/1.1 400")
    assert get(local, "/ready").status == 200
