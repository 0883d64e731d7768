"""Run work off the event loop: in threads, or in another process where it would hold the interpreter for long."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any

logger = logging.getLogger(__name__)

LARGE = 1024 * 1024
"""Bytes from which work goes to another process: JSON and regular expressions hold the interpreter lock all along."""

MEMORY = 4 * 1024**3
"""Bytes of address space for that process: a body of the largest accepted size takes less in any shape."""

THREADS = 32
"""At most: as many answers may end at once, each waiting for its store."""


class Offload:
    """A pool of threads, and beside it one process that starts with the first large piece of work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mitmclaude")
        self._processes: ProcessPoolExecutor | None = None
        self._starting = threading.Lock()

    def submit[T](self, size: int, work: Callable[..., T], *args: Any) -> Future[T]:
        """Run `work` on `size` bytes off the event loop."""
        return self._threads.submit(self.run, size, work, *args)

    def run[T](self, size: int, work: Callable[..., T], *args: Any) -> T:
        """Run `work` on `size` bytes from a thread of the pool: there, or elsewhere (then all must be picklable)."""
        return work(*args) if size < LARGE else self._elsewhere(partial(work, *args))

    def close(self) -> None:
        """Wait for all work that was submitted."""
        self._threads.shutdown(wait=True)
        if self._processes is not None:
            self._processes.shutdown(wait=False, cancel_futures=True)

    def _elsewhere[T](self, work: Callable[[], T]) -> T:
        try:
            with self._starting:  # lest two threads start a process each
                if self._processes is None:
                    context = multiprocessing.get_context("spawn")
                    self._processes = ProcessPoolExecutor(1, context, _settle)
                processes = self._processes
            return processes.submit(work).result()
        except (BrokenProcessPool, OSError) as error:  # no semaphores on AWS Lambda, where nobody else waits anyway
            logger.debug("no process for large bodies, working in a thread: %r", error)
            self._processes = None
            return work()


def _settle() -> None:
    """Make the worker process leave with its parent, leave signals to it, and keep to its memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _leave_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(0)
