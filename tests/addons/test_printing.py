"""Printing never waits for whoever reads."""

import os
import time

from mitmclaude.addons.printing import PrintedLines, Printer


def test_lines_come_in_order() -> None:
    """Every line is written once, in order, until the end."""
    reader, writer = os.pipe()
    printer = Printer(writer)
    for number in range(500):
        printer.write(f"line {number}")
    printer.close(5)
    printer.write("too late")
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.read().splitlines() == [f"line {number}" for number in range(500)]
    assert printer.dropped == 1


def test_nobody_reads() -> None:
    """Of an unread pipe the writer fills the buffers, drops the rest and counts it; nobody waits, the end neither."""
    reader, writer = os.pipe()
    printer = Printer(writer, most=100_000)
    began = time.monotonic()
    for _ in range(10_000):
        printer.write("x" * 99)
    printer.close(0.1)
    assert time.monotonic() - began < 20  # it would be forever
    got = os.read(reader, 2_000_000).count(b"\n")
    assert printer.dropped + got >= 10_000
    assert printer.dropped >= 7_000
    os.close(reader)


def test_the_reader_goes() -> None:
    """A pipe whose reader has gone is written no more, and what is lost is counted."""
    reader, writer = os.pipe()
    os.close(reader)
    printer = Printer(writer)
    printer.write("one\ntwo")
    assert printer.flush(5)
    printer.write("three")
    printer.close(5)
    os.close(writer)
    assert printer.is_broken
    assert printer.dropped == 3


def test_odd_text() -> None:
    """What cannot be encoded is replaced."""
    reader, writer = os.pipe()
    printer = Printer(writer, encoding="ascii")
    printer.write("≥ \ud83d")
    printer.close(5)
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.read() == "? ?\n"


def test_a_file_of_lines() -> None:
    """What print() writes in pieces arrives as lines; one begun waits for its end."""
    reader, writer = os.pipe()
    printer = Printer(writer)
    file = PrintedLines(printer)
    print("a\nb", file=file)
    print("c", end="", file=file)
    printer.flush(5)
    os.close(writer)
    with os.fdopen(reader) as got:
        assert got.read() == "a\nb\n"
    printer.close(0)
