"""Content codings, whole, cut, broken and hostile."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import pairwise

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mitmclaude.encoding import MAX_FRAMES, Decoder, decode


def raw_deflate(body: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(body) + deflate.flush()


def zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(body)


def as_far_as_it_goes(body: bytes, name: str, limit: int) -> tuple[bytes, str]:
    """What a Decoder gives back of `body`, and its error."""
    pieces: list[bytes] = []
    try:
        pieces.extend(Decoder(name, limit).pieces(body))
    except ValueError as error:
        return b"".join(pieces), str(error)
    return b"".join(pieces), ""


CODECS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate-raw": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstd),
}
SSE = b"".join(b'event: ping\ndata: {"type":"ping","n":%d}\n\n' % n for n in range(3000))
MB = 1 << 20

codecs = pytest.mark.parametrize(("name", "compress"), CODECS.values(), ids=CODECS)


@codecs
@pytest.mark.parametrize("body", [b"", b"x", SSE, bytes(range(256)) * 1000], ids=["empty", "one", "sse", "binary"])
def test_decodes_what_was_encoded(name: str, compress: Callable[[bytes], bytes], body: bytes) -> None:
    """Every known coding gives back the body, also when the limit is exactly its length."""
    assert decode(compress(body), name, len(body)) == body


@pytest.mark.parametrize("name", ["", "identity", " Identity ", ",", "identity, identity, identity, identity"])
def test_identity(name: str) -> None:
    """No coding, or identity however often, leaves the body as it is, within the limit."""
    assert decode(SSE, name, len(SSE)) == SSE
    with pytest.raises(ValueError, match="over 10 bytes"):
        decode(SSE, name, 10)


@codecs
def test_an_empty_body_is_empty(name: str, compress: Callable[[bytes], bytes]) -> None:
    """A HEAD or 204 answer may name a coding and carry nothing."""
    assert decode(b"", name, 0) == b""
    assert as_far_as_it_goes(b"", name, 0) == (b"", "")


def test_codings_are_undone_from_the_last_to_the_first() -> None:
    """A comma-separated list is in the order of encoding, whatever its case and spaces."""
    body = zstd(brotli.compress(gzip.compress(SSE)))
    assert decode(body, "GZIP , br,zstd", MB) == SSE


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("compress", "'compress' is unknown, wanted one of gzip"),
        ("gzip, sdch", "'sdch' is unknown"),
        ("é" * 5000, "is unknown"),
        ("gzip,gzip,gzip,gzip", "lists 4 codings, wanted at most 3"),
    ],
)
def test_refuses_other_codings(name: str, message: str) -> None:
    """An unknown coding or too many of them is an error that names it, shortly."""
    with pytest.raises(ValueError, match=message) as e:
        decode(b"x", name, MB)
    assert len(str(e.value)) < 200


@codecs
def test_a_cut_body_gives_what_could_be_decoded(name: str, compress: Callable[[bytes], bytes]) -> None:
    """Wherever the network cut a body: decode says so, and a Decoder gives a prefix of it."""
    whole = compress(SSE)
    for end in range(1, len(whole), max(1, len(whole) // 40)):
        with pytest.raises(ValueError, match="cut"):
            decode(whole[:end], name, MB)
        assert SSE.startswith(Decoder(name, MB).feed(whole[:end]))


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_flushed_events_come_out_at_once(name: str) -> None:
    """A compressed SSE answer is decoded event by event, before its end is known."""
    decoder = Decoder(name, MB)
    zstd_stream, br, inflate = zstandard.ZstdCompressor().compressobj(), brotli.Compressor(), zlib.compressobj(wbits=31)
    deflate = zlib.compressobj()
    flushed: dict[str, Callable[[bytes], bytes]] = {
        "gzip": lambda b: inflate.compress(b) + inflate.flush(zlib.Z_SYNC_FLUSH),
        "deflate": lambda b: deflate.compress(b) + deflate.flush(zlib.Z_SYNC_FLUSH),
        "br": lambda b: br.process(b) + br.flush(),
        "zstd": lambda b: zstd_stream.compress(b) + zstd_stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK),
    }
    for n in range(50):
        event = b'data: {"n":%d}\n\n' % n
        assert decoder.feed(flushed[name](event)) == event
        assert not decoder.finished


@codecs
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_chunks_split_anywhere(name: str, compress: Callable[[bytes], bytes], data: st.DataObject) -> None:
    """How the bytes are cut into chunks does not matter."""
    body = data.draw(st.binary(max_size=2000))
    whole = compress(body)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=8)) | {0, len(whole)})
    decoder = Decoder(name, MB)
    assert b"".join(decoder.feed(whole[a:b]) for a, b in pairwise(cuts)) == body
    assert decoder.finished


@codecs
def test_a_bomb_is_stopped_at_the_limit(name: str, compress: Callable[[bytes], bytes]) -> None:
    """10 MB of zeros against a limit of 1 MB: an error, and never much more than the limit in memory."""
    bomb = compress(bytes(10_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="over 1048576 bytes"):
            decode(bomb, name, MB)
        decoded, why = as_far_as_it_goes(bomb, name, MB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert decoded == bytes(MB)
    assert "over" in why
    assert peak < 5 * MB


def test_a_bomb_between_two_codings_is_stopped() -> None:
    """What passes between two codings is bounded too, though nothing comes out at the end."""
    with pytest.raises(ValueError, match="over 1048576 bytes"):
        decode(gzip.compress(b"\x50\x2a\x4d\x18" + (4 * MB).to_bytes(4, "little") + bytes(4 * MB)), "zstd, gzip", MB)


def test_a_zstd_window_over_8_mb_is_refused() -> None:
    """A frame may not make us allocate its window: 128 MB are refused before a byte is decoded."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(ValueError, match="zstd body is corrupt"):
        decode(stream.compress(bytes(3_000_000)) + stream.flush(), "zstd", 10 * MB)


@codecs
@pytest.mark.parametrize("junk", [b"junk", b"\x00\x00\x00\x00", b"<html>" * 100], ids=["text", "zeros", "long"])
def test_garbage_behind_the_end_is_an_error(name: str, compress: Callable[[bytes], bytes], junk: bytes) -> None:
    """Bytes behind the end are said, in the same chunk or a later one, and what came before is kept where possible."""
    whole = compress(SSE)
    with pytest.raises(ValueError, match=r"corrupt|behind|cut"):
        decode(whole + junk, name, MB)
    decoder = Decoder(name, MB)
    assert decoder.feed(whole) == SSE
    with pytest.raises(ValueError, match=r"corrupt|behind"):
        decoder.feed(junk)
    decoded, why = as_far_as_it_goes(whole + junk, name, MB)
    assert SSE.startswith(decoded)
    assert why


@pytest.mark.parametrize(("name", "compress"), [CODECS["gzip"], CODECS["zstd"]], ids=["gzip", "zstd"])
def test_several_members_are_one_body(name: str, compress: Callable[[bytes], bytes]) -> None:
    """gzip members and zstd frames follow one another, up to a thousand of them."""
    assert decode(compress(b"ab") * MAX_FRAMES, name, MB) == b"ab" * MAX_FRAMES
    decoder = Decoder(name, MB)
    assert b"".join(decoder.feed(bytes([b])) for b in compress(b"one ") + compress(b"two")) == b"one two"


SKIPPABLE = bytes.fromhex("502a4d1800000000")
"""A zstd frame without content (RFC 8878, 3.1.2)."""


@pytest.mark.parametrize(
    ("name", "piece"),
    [("gzip", gzip.compress(b"")), ("zstd", zstd(b"")), ("zstd", SKIPPABLE)],
    ids=["gzip", "zstd", "skippable"],
)
def test_countless_frames_are_refused(name: str, piece: bytes) -> None:
    """A megabyte of frames that give nothing ends after the first thousand, also when it comes in pieces."""
    with pytest.raises(ValueError, match="over 1000 "):
        decode(piece * (MB // len(piece)), name, MB)
    decoder = Decoder(name, MB)
    with pytest.raises(ValueError, match="over 1000 "):
        for _ in range(MAX_FRAMES + 1):
            decoder.feed(piece)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip"]), st.binary(max_size=200))
def test_any_bytes_either_decode_or_are_a_value_error(name: str, body: bytes) -> None:
    """Nothing but ValueError comes out of a broken body, and a Decoder agrees with decode as far as it goes."""
    decoded, why = as_far_as_it_goes(body, name, 1000)
    try:
        assert decode(body, name, 1000) == decoded
        assert why == ""
    except ValueError as error:
        assert why or "cut" in str(error)
