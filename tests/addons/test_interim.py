"""Interim answers of upstream are passed over."""

import pytest
from h11._receivebuffer import ReceiveBuffer

from mitmclaude.addons.interim import drop_interim

HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
FINAL = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (HINTS + FINAL, FINAL),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS + b"HTTP/1.0 102\n\n" + FINAL, FINAL),
        (HINTS, b""),
        (FINAL, FINAL),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\nx", b"HTTP/1.1 101 Switching Protocols\r\n\r\nx"),
        (b"HTTP/1.1 1000 x\r\n\r\n", b"HTTP/1.1 1000 x\r\n\r\n"),
        (HINTS[:-2], HINTS[:-2]),
        (b"\r\n\r\n", b"\r\n\r\n"),
        (b"", b""),
    ],
)
def test_whole_interim_answers_go(content: bytes, left: bytes) -> None:
    """Interim answers are taken away when they are whole; all else stays, 101 too, which is final."""
    buffer = ReceiveBuffer()
    buffer += content
    drop_interim(buffer)
    assert bytes(buffer) == left


def test_cut_at_every_byte() -> None:
    """However it arrives, nothing but the final answer is left."""
    for cut in range(len(HINTS + FINAL) + 1):
        buffer = ReceiveBuffer()
        for piece in ((HINTS + FINAL)[:cut], (HINTS + FINAL)[cut:]):
            buffer += piece
            drop_interim(buffer)
        assert bytes(buffer) == FINAL
