"""Let the process open as many files as it may: on macOS it starts with 256, and each call holds two sockets."""

import contextlib

WANTED = 65_536
"""Enough for 30,000 calls at once; some systems have no bound at all."""


class FileLimit:
    """Raises the limit when the addons are loaded."""

    name = "claude.filelimit"

    def load(self, _loader: object) -> None:
        raise_file_limit()


def raise_file_limit(wanted: int = WANTED) -> None:
    """Raise the soft limit of open files to the hard one, to `wanted` at most; never lower it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    for number in (target, 10_240):  # macOS takes no more than that, whatever its hard limit is
        if soft != resource.RLIM_INFINITY and soft < number <= target:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
                return
