"""Start the process of a recorder, or take the one that was started ahead.

It takes a third of a second to load what it needs. So `addons/claude.py` starts it first of all, and it loads beside
the proxy; this module imports nothing that takes time.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

BUFFER = 4 * 1024 * 1024
"""Bytes that the system is asked to hold between the processes."""

ADDONS = Path(__file__).parents[2]
"""The folder that the package is imported from."""

AGAIN = "MITMCLAUDE_STARTED_AGAIN"
"""Set in the environment of a mitmdump that the addon started a second time: begins with its process id."""


class Spawned(NamedTuple):
    """A process, and our end of the socket pair between it and us."""

    process: subprocess.Popen[bytes]
    socket: socket.socket


_ahead: list[Spawned] = []


def spawn() -> Spawned:
    """A process that waits for its first message; OSError where none can be had."""
    if _ahead:
        return _ahead.pop()
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        start = f"from mitmclaude.recorder.child import main; main({theirs.fileno()})"
        code = f"import sys; sys.path.insert(0, {str(ADDONS)!r}); {start}"
        try:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # signals from the terminal do not reach it
            )
        except OSError:
            ours.close()
            raise
    return Spawned(process, ours)


def spawn_ahead() -> None:
    """Start the process that `spawn` will give, if there is likely to be one; it leaves if nobody takes it."""
    is_final = "--mode" in sys.argv or os.environ.get(AGAIN, "").partition(" ")[0] == str(os.getpid())
    if is_final and can_be_had() and os.environ.get("CLAUDE_RECORDER", "auto") != "inline" and not _ahead:
        try:
            _ahead.append(spawn())
        except OSError:  # whoever wants it will see
            return


def can_be_had() -> bool:
    """Whether a process of its own is of use: there is a second core, a way to start it, and no Lambda to freeze it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    is_frozen = getattr(sys, "frozen", False)
    return os.name == "posix" and not is_frozen and "AWS_LAMBDA_RUNTIME_API" not in os.environ and cores > 1
