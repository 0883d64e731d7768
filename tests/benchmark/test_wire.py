"""The end of an answer is found wherever the bytes are cut."""

import pytest
from scripts.benchmark.wire import Answer, conversation, request

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n2\r\n\n\n\r\n0\r\n\r\n"


@pytest.mark.parametrize("whole", [LENGTH, CHUNKED])
def test_cut_anywhere(whole: bytes) -> None:
    """An answer is whole with its last byte and not before."""
    for cut in range(1, len(whole)):
        answer = Answer()
        assert not answer.feed(whole[:cut])
        assert answer.feed(whole[cut:])


def test_bodiless() -> None:
    """An answer to HEAD ends with its head, whatever length it names."""
    assert Answer().feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", bodiless=True)


@pytest.mark.parametrize("wrong", [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", LENGTH + b"x"])
def test_wrong(wrong: bytes) -> None:
    """Any status but 200 and any byte too many is an error, not a fast answer."""
    with pytest.raises(RuntimeError):
        Answer().feed(wrong)


@pytest.mark.parametrize("size", [1_000, 200_000])
def test_request(size: int) -> None:
    """A request is about as large as asked for, and names its length."""
    body = conversation(size, stream=True)
    assert size * 0.8 < len(body) < size * 1.2
    assert f"Content-Length: {len(body)}\r\n\r\n".encode() in request("text.sse", body)
