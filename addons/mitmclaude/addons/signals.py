"""End as asked at any moment: a closed terminal like a SIGTERM, and no signal lost where the process is replaced."""

import asyncio
import signal
import socket

from mitmproxy import ctx

STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


class Hangup:
    """A SIGHUP (the terminal was closed) ends the proxy like a SIGTERM, so that what is under way is recorded."""

    name = "claude.hangup"

    def load(self, _loader: object) -> None:
        # ignored already: whoever started it with nohup wants it to go on
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            try:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, ctx.master.shutdown)
            except (NotImplementedError, RuntimeError, ValueError):
                return  # a loop or a thread that takes no signals


def let_signals_kill() -> bool:
    """Give the stopping signals their default action, and return whether one came that the event loop has not seen.

    asyncio writes the number of each signal into a socket pair of its own and reads it in its next turn. Whoever
    replaces the process before that turn has to look into it.
    """
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if ctx.master.should_exit.is_set():
        return True
    waiting = getattr(asyncio.get_running_loop(), "_ssock", None)
    if not isinstance(waiting, socket.socket):
        return False
    try:
        return any(number in STOPPING for number in waiting.recv(4096, socket.MSG_PEEK))  # it does not block
    except BlockingIOError:
        return False
