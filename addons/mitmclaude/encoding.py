"""Content-coded bytes to plain bytes, within a bound.

https://www.rfc-editor.org/rfc/rfc9110#section-8.4 names the codings,
https://www.rfc-editor.org/rfc/rfc9659 bounds the zstd window.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

STEP = 16_384
"""Input bytes a step of zlib: each gzip member copies what lies behind it, so many small ones must not share a step."""
PIECE = 65_536
"""Most bytes that zlib and brotli put out in one step (brotli rounds up to its own blocks)."""
ZSTD_STEP = 64
"""Input bytes a step: zstandard's push interface has no output bound, and 4 bytes of zstd may stand for 128 KiB."""
ZSTD_WINDOW = 8 << 20
"""RFC 9659: content coding zstd uses windows of at most 8 MB."""
MAX_FRAMES = 1_000
"""gzip members or zstd frames of a body, each of which costs as much as 10 KB: writers make one, or one for each MB."""
MAX_CODINGS = 3
"""Nobody stacks more; each one multiplies what a small body may cost."""


class TooLargeError(ValueError):
    """A body has more bytes than its reader takes; the limit counts them decoded."""


class _Stage(Protocol):
    def feed(self, chunk: bytes) -> Iterator[bytes]: ...

    @property
    def finished(self) -> bool: ...


class _Zlib:
    """gzip (several members allowed) and deflate, which in the wild comes both with a zlib header and raw."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding != "deflate"
        self._head = b""
        self._members = 1
        self._inflate = zlib.decompressobj(31) if self._gzip else None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            self._head = chunk = self._head + chunk
            if len(chunk) < 2:
                return
            zlib_header = chunk[0] & 15 == 8 and int.from_bytes(chunk[:2]) % 31 == 0  # RFC 1950, 2.2
            self._inflate = zlib.decompressobj(15 if zlib_header else -15)
        for start in range(0, len(chunk), STEP):
            yield from self._step(chunk[start : start + STEP])

    def _step(self, chunk: bytes) -> Iterator[bytes]:
        inflate = self._inflate or zlib.decompressobj(31)
        while chunk:
            if inflate.eof:
                if not self._gzip:
                    raise ValueError("bytes behind the end of the deflate stream")
                self._members = _one_more(self._members, "gzip members")
                self._inflate = inflate = zlib.decompressobj(31)
            while out := inflate.decompress(chunk, PIECE):
                yield out
                chunk = inflate.unconsumed_tail
            chunk = inflate.unused_data

    @property
    def finished(self) -> bool:
        return self._inflate is not None and self._inflate.eof


class _Brotli:
    def __init__(self, _: str) -> None:
        self._brotli = brotli.Decompressor()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if chunk and self.finished:
            raise ValueError("bytes behind the end of the br stream")
        # can_accept_more_data() is no sign that all has come out (1.2.0): only an empty piece is
        while out := self._brotli.process(chunk, output_buffer_limit=PIECE):
            yield out
            chunk = b""

    @property
    def finished(self) -> bool:
        return bool(self._brotli.is_finished())


class _Zstd:
    def __init__(self, _: str) -> None:
        self._frames = 1
        self._zstd = self._frame()

    @staticmethod
    def _frame() -> "zstandard.ZstdDecompressionObj":
        return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        for start in range(0, len(chunk), ZSTD_STEP):
            step = chunk[start : start + ZSTD_STEP]
            while step:
                if self._zstd.eof:
                    self._frames = _one_more(self._frames, "zstd frames")
                    self._zstd = self._frame()
                yield self._zstd.decompress(step)
                step = self._zstd.unused_data

    @property
    def finished(self) -> bool:
        return self._zstd.eof


def _one_more(count: int, what: str) -> int:
    if count >= MAX_FRAMES:
        raise ValueError(f"body has over {MAX_FRAMES} {what}")
    return count + 1


_STAGES: dict[str, Callable[[str], _Stage]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Zlib,
    "br": _Brotli,
    "zstd": _Zstd,
}


def _bounded(pieces: Iterable[bytes], total: list[int], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        left = limit - total[0]
        total[0] += len(piece)
        yield piece[:left]
        if total[0] > limit:
            raise TooLargeError(f"body is over {limit} bytes when decoded")


class Decoder:
    """Decodes a body piece by piece: what was fed so far has been given back so far, also when the rest never comes.

    `limit` bounds the sum of what comes out, and of what passes between two codings. Once it has raised it is spent.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        names = [name for part in content_encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
        if unknown := [name for name in names if name not in _STAGES]:
            raise ValueError(f"content-encoding {unknown[0][:40]!r} is unknown, wanted one of {', '.join(_STAGES)}")
        if len(names) > MAX_CODINGS:
            raise ValueError(f"content-encoding lists {len(names)} codings, wanted at most {MAX_CODINGS}")
        self._limit = limit
        self._total = [0]
        self._stages = [(name, _STAGES[name](name), [0]) for name in reversed(names)]

    def feed(self, chunk: bytes) -> bytes:
        """The bytes that `chunk` completes, maybe none; ValueError if it is corrupt or the sum goes over the limit."""
        return b"".join(self.pieces(chunk))

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """As `feed`, but given back while decoding goes on, so that what precedes an error is not lost with it."""
        stream: Iterable[bytes] = (chunk,)
        for name, stage, total in self._stages:
            stream = _bounded(self._through(name, stage, stream), total, self._limit)
        return _bounded(stream, self._total, self._limit)

    @staticmethod
    def _through(name: str, stage: _Stage, stream: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in stream:
            try:
                yield from stage.feed(chunk)
            except (zlib.error, brotli.error, zstandard.ZstdError) as e:
                raise ValueError(f"{name} body is corrupt: {e}") from e

    @property
    def finished(self) -> bool:
        """True when every coding has come to its own end; a body cut by the network has not."""
        return all(stage.finished for _, stage, _ in self._stages)


def decode(body: bytes, content_encoding: str, limit: int) -> bytes:
    """A whole body, decoded; ValueError if the coding is unknown, the data corrupt or cut, or the result over `limit`.

    Memory stays within `limit` and a step of the decompressor. An empty body is empty in every coding.
    """
    decoder = Decoder(content_encoding, limit)
    decoded = decoder.feed(body)
    if body and not decoder.finished:
        raise ValueError(f"{content_encoding[:40]} body is cut: it ends before its coding does")
    return decoded
