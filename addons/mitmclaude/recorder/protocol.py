"""What every recorder does."""

from collections.abc import Callable
from typing import Protocol

from mitmclaude.recorder.messages import Message, Reply

type OnReply = Callable[[Reply], None]
"""Called on the event loop, or, during `close`, by whoever closes."""


class Recorder(Protocol):
    """Takes the messages of the proxy, in order for each call, and replies.

    For each call that has its `Ended` there is one reply `Stored`, whatever becomes of the recorder in between.
    """

    def start(self) -> None:
        """Begin, with a running event loop or before there is one."""

    def send(self, message: Message) -> None:
        """Take a message; neither blocks nor raises."""

    def close(self, timeout: float) -> None:
        """Finish what was sent, for `timeout` seconds at most, and reply."""
