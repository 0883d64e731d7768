"""What every recorder does."""

from collections.abc import Callable, Sequence
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


class Puts(Protocol):
    """Where objects go; a store, or several, each with its spool."""

    def begin_all(self, objects: dict[str, bytes]) -> Sequence[Callable[[], None]]:
        """Begin to keep the objects of one call: what is to be waited for, which takes a bounded time.

        Neither raises for a store that fails.
        """
