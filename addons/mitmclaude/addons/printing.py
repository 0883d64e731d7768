"""Print without ever waiting for whoever reads: lines go into a bounded queue, and one thread writes them.

A pipe that nobody reads fills up after 64 KB and blocks its writer; one whose reader has gone makes writing fail.
Neither may hold up traffic or the end of the process, so what does not fit is dropped and counted. The thread writes to
the file descriptor itself: Python ends with an error where a thread that is stuck holds the lock of `sys.stdout`.
"""

import atexit
import contextlib
import io
import logging
import os
import select
import sys
import threading
from collections import deque
from typing import IO, TextIO, cast

from mitmproxy import ctx
from mitmproxy.addons.dumper import Dumper
from mitmproxy.addons.termlog import TermLogHandler

QUEUED = 8 * 1024 * 1024
"""Bytes that wait to be written at most: some 20,000 lines."""

WAIT = 2.0
"""Seconds at the end for which a reader may take what is left."""


class Printer:
    """Writes lines to a file descriptor, from any thread. `dropped` counts the lines that were not written."""

    def __init__(self, descriptor: int, *, encoding: str = "utf-8", most: int = QUEUED) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._most = most
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._is_open = True
        self._writing = 0
        """Lines that the thread is at."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.dropped = 0
        self.is_broken = False
        """Whether the reader has gone: nothing is written any more."""

    def write(self, line: str) -> None:
        """Queue a line, without its line break; never blocks, never raises. After `close` lines are dropped."""
        content = line.encode(self._encoding, errors="replace") + b"\n"
        with self._changed:
            if not self._is_open or self.is_broken or self._size + len(content) > self._most:
                self.dropped += content.count(b"\n")
                return
            self._lines.append(content)
            self._size += len(content)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
                self._thread.start()

    def flush(self, timeout: float) -> bool:
        """Wait until all is written; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._lines or self._writing) or self.is_broken, timeout)

    def close(self, timeout: float) -> None:
        """Write what is queued, for `timeout` seconds at most; what is left then counts as dropped."""
        self.flush(timeout)
        with self._changed:
            self._is_open = False
            self.dropped += self._writing
            self._drop_queued()
            self._changed.notify_all()

    def _run(self) -> None:
        while content := self._next():
            try:
                _write(self._descriptor, content)
            except OSError:  # the reader has gone, or the terminal
                with self._changed:
                    self.is_broken = True
                    self.dropped += self._writing if self._is_open else 0
                    self._drop_queued()
            with self._changed:
                self._writing = 0
                self._changed.notify_all()

    def _next(self) -> bytes:
        """What is queued, up to a pipe's size at once; empty when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or not self._is_open or self.is_broken)
            content = b""
            while self._lines and len(content) < 65_536:
                content += self._lines.popleft()
            self._size -= len(content)
            self._writing = content.count(b"\n")
            return content

    def _drop_queued(self) -> None:
        self.dropped += sum(content.count(b"\n") for content in self._lines)
        self._lines.clear()
        self._size = 0


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:  # shared with a process that made it non-blocking
            select.select([], [descriptor], [])


class PrintedLines(io.TextIOBase):
    """A text file for whoever prints line by line; what is written goes to a printer at each line break."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        whole, line_break, rest = (self._begun + text).rpartition("\n")
        self._begun = rest
        if line_break:
            self.printer.write(whole)
        return len(text)


class Printing:
    """Puts a printer between the process and its standard output, for mitmproxy's log lines as well as ours."""

    name = "claude.printing"

    def __init__(self) -> None:
        self._printer: Printer | None = None

    def running(self) -> None:
        self._printer = self._printer or self._found() or printer_of(sys.stdout)
        if self._printer is None:
            return
        with contextlib.suppress(OSError):
            sys.stdout.flush()  # what was printed before comes first
        for handler in logging.getLogger().handlers:
            if isinstance(handler, TermLogHandler) and handler.file is sys.stdout:
                handler.file = cast(IO[str], PrintedLines(self._printer))
        dumper = ctx.master.addons.get("dumper")
        if isinstance(dumper, Dumper) and dumper.outfp is sys.stdout:
            dumper.outfp = cast(IO[str], PrintedLines(self._printer))

    def write(self, line: str) -> None:
        """Print a line on standard output, without its line break; never blocks on whoever reads, never raises."""
        if self._printer is not None:
            self._printer.write(line)
            return
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    @staticmethod
    def _found() -> Printer | None:
        """The printer of an earlier load of the script."""
        files = [handler.file for handler in logging.getLogger().handlers if isinstance(handler, TermLogHandler)]
        return next((file.printer for file in files if isinstance(file, PrintedLines)), None)


def printer_of(file: TextIO) -> Printer | None:
    """A printer for an open file that is closed when Python ends, after the last log line; None where it cannot be."""
    if os.name != "posix":  # elsewhere a console takes text only
        return None
    try:
        printer = Printer(file.fileno(), encoding=file.encoding)
    except (OSError, ValueError, AttributeError):
        return None
    atexit.register(end, printer)
    return printer


def end(printer: Printer) -> None:
    """Close a printer, and say on standard error what was not printed, if that can be said without waiting."""
    printer.close(WAIT)
    if not printer.dropped:
        return
    text = f"mitmclaude: {printer.dropped} lines were not printed: nobody read them\n"
    with contextlib.suppress(OSError, ValueError):
        _, ready, _ = select.select([], [sys.stderr], [], 0)
        if ready:
            os.write(sys.stderr.fileno(), text.encode())
