"""Large bodies go to a second recorder."""

import pytest

from mitmclaude.headers import Headers
from mitmclaude.recorder.by_size import LARGE, LARGE_CODED, BySize, is_large
from mitmclaude.recorder.messages import Message
from tests.recorder.calls import SENT, call, opened

GZIP: Headers = ((b"content-encoding", b"gzip"),)


class Toy:
    def __init__(self) -> None:
        self.started = self.closed = False
        self.sent: list[Message] = []

    def start(self) -> None:
        self.started = True

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def close(self, timeout: float) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("size", "headers", "large"),
    [(LARGE, SENT, False), (LARGE + 1, SENT, True), (LARGE_CODED, GZIP, False), (LARGE_CODED + 1, GZIP, True)],
)
def test_what_is_large(size: int, headers: Headers, large: bool) -> None:
    """A compressed body is large from fewer bytes on."""
    assert is_large(b"x" * size, headers) is large


def test_each_call_goes_to_one_recorder() -> None:
    """All messages of a call go where its request went; the second recorder starts with the first large body."""
    usual, large = Toy(), Toy()
    both = BySize(usual, lambda: large)
    both.start()
    assert (usual.started, large.started) == (True, False)
    for messages in (call(1), call(2, b"x" * (LARGE + 1)), call(3)):
        for message in messages:
            both.send(message)
    assert [len(usual.sent), len(large.sent)] == [6, 3]
    assert {message.id for message in large.sent} == {opened(2).id}
    both.close(1)
    assert usual.closed
    assert large.closed
