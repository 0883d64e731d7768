"""The tap: chunks go on as they came, whatever else happens."""

from mitmclaude.addons.tap import ChainedTap, Tap


def test_chunks_pass_and_are_kept() -> None:
    """Each chunk is returned as the same object and kept with a rising time."""
    tap = Tap()
    chunks = [b"event: a\n", b"", b"\x00\xff" * 10]
    assert [tap(chunk) for chunk in chunks] == chunks
    assert tap(chunks[0]) is chunks[0]
    assert tap.content == b"".join(chunks) + chunks[0]
    assert [at for at, _ in tap.chunks] == sorted(at for at, _ in tap.chunks)
    assert tap.changed() == "as it came"


def test_what_is_kept_is_bounded() -> None:
    """Behind the bound chunks still pass and are counted."""
    tap = Tap(kept=10)
    for _ in range(5):
        assert tap(b"1234") == b"1234"
    assert tap.content == b"12341234"
    assert tap.size == 20


def test_the_last_byte_of_a_known_length_is_held_back() -> None:
    """Once the length is reached one byte waits for its owner; it is kept with the rest all the same."""
    tap = Tap(length=6)
    assert [tap(b"abc"), tap(b"def"), tap(b"")] == [b"abc", b"de", b""]
    assert tap.held == b"f"
    assert tap.content == b"abcdef"


def test_a_fault_turns_the_tap_off() -> None:
    """Where keeping fails, the chunk goes on, and the tap says once what happened."""
    tap = Tap()
    tap.chunks = None  # type: ignore[assignment]
    assert tap(b"a") == b"a"
    assert tap.failure == "the tee turned itself off: AttributeError"
    tap.failure = None
    assert tap(b"b") == b"b"
    assert tap.failure is None


def test_a_callable_before_it_decides_what_goes_on() -> None:
    """Another script's stream callable keeps its effect, and what it sent is told from what came."""
    tap = ChainedTap(lambda data: [data.upper(), b"!"] if data else data)
    assert list(tap(b"ab")) == [b"AB", b"!"]
    assert tap(b"") == b""
    assert tap.content == b"ab"
    assert tap.changed() == b"AB!"
