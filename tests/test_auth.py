"""Tokens: made, kept as hashes, recognised, revoked."""

from datetime import UTC, datetime

import pytest

from mitmclaude import auth
from mitmclaude.auth import Denied, Principal

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANN, BOB = auth.new_token(b"\x01" * 32), auth.new_token(b"\x02" * 32)
TABLE = auth.added(auth.added((), "ann", ANN, AT), "bob", BOB, AT)


def test_tokens_are_long_and_plain() -> None:
    """A token says what it is, has 32 bytes of randomness and fits a header."""
    assert ANN.startswith("mcl_")
    assert len(ANN) == 47
    assert ANN.replace("_", "").replace("-", "").isalnum()
    with pytest.raises(ValueError, match="wanted 32 random bytes, found 5"):
        auth.new_token(b"12345")


def test_the_table_holds_hashes_only() -> None:
    """What is kept comes back, and holds no token."""
    text = auth.dump(TABLE)
    assert auth.parse(text) == TABLE
    assert ANN.encode() not in text
    assert ANN[4:].encode() not in text


@pytest.mark.parametrize(
    ("headers", "injected", "expected"),
    [
        (((b"X-Capture-Token", ANN.encode()),), False, Principal("ann", b"x-capture-token")),
        (((b"x-capture-token", BOB.encode() + b" "),), True, Principal("bob", b"x-capture-token")),
        (((b"x-api-key", ANN.encode()),), True, Principal("ann", b"x-api-key")),
        (((b"authorization", b"Bearer " + ANN.encode()),), True, Principal("ann", b"authorization")),
        (((b"authorization", b"Bearer " + ANN.encode()),), False, Denied("no capture token: wanted one in x-capture-token")),
        (((b"authorization", ANN.encode()),), True, Denied("unknown or revoked capture token")),
        (((b"x-capture-token", b"no"), (b"x-api-key", ANN.encode())), True, Denied("unknown or revoked capture token")),
        (((b"x-capture-token", ANN.encode() + b"x" * 300),), False, Denied("unknown or revoked capture token")),
        (((b"x-capture-token", b""),), False, Denied("unknown or revoked capture token")),
        ((), True, Denied("no capture token: wanted one in x-capture-token, Authorization or x-api-key")),
    ],
)  # fmt: skip
def test_identify(headers: tuple[tuple[bytes, bytes], ...], injected: bool, expected: Principal | Denied) -> None:
    """Our own header goes first; a credential's header counts only where the organisation's key can stand in."""
    assert auth.identify(headers, TABLE, injected=injected) == expected


def test_revoked_tokens_are_denied_and_can_be_made_anew() -> None:
    """A revoked token does not work; its name can get another one."""
    table = auth.revoked(TABLE, "ann", AT)
    headers = ((b"x-capture-token", ANN.encode()),)
    assert auth.identify(headers, table, injected=False) == Denied("unknown or revoked capture token")
    assert auth.identify(((b"x-capture-token", BOB.encode()),), table, injected=False) != Denied("")
    new = auth.new_token(b"\x03" * 32)
    again = auth.added(table, "ann", new, AT)
    assert isinstance(auth.identify(((b"x-capture-token", new.encode()),), again, injected=False), Principal)
    assert isinstance(auth.identify(headers, again, injected=False), Denied)


def test_wrong_changes_are_told() -> None:
    """Odd names, second tokens and revoking what is not there are told."""
    with pytest.raises(ValueError, match="wanted a name of letters"):
        auth.added((), "../x", ANN, AT)
    with pytest.raises(ValueError, match="ann has a token: revoke it first"):
        auth.added(TABLE, "ann", ANN, AT)
    with pytest.raises(ValueError, match="eve has no token to revoke"):
        auth.revoked(TABLE, "eve", AT)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"tokens": []}', b'{"tokens": {"a": 5}}', b'{"tokens": {"a": {}}}']
)
def test_odd_tables_are_told(text: bytes) -> None:
    """A table of another shape says what was wanted."""
    with pytest.raises(ValueError, match="wanted a table of tokens such as"):
        auth.parse(text)


def test_odd_rows_are_told() -> None:
    """A row without a proper hash is told by its name."""
    with pytest.raises(ValueError, match="token 'ann': wanted a name"):
        auth.parse(b'{"tokens": {"ann": {"sha256": "short"}}}')
