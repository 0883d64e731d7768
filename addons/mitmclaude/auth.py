"""Who may use a public listener: tokens, kept as hashes, and where a request carries one.

A token is 32 random bytes; a hash without salt keeps it as safe as a salted one. The table of tokens is a JSON object
``{"tokens": {NAME: {"sha256": HEX, "created_at": TIME, "revoked_at": TIME?}}}``.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from mitmclaude.headers import Headers

HEADER: Final = b"x-capture-token"
"""Carries our token beside the client's own credential."""

PREFIX: Final = "mcl_"
LONGEST: Final = 256
"""Bytes of a presented token that are looked at; a real one has 47."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Token:
    """A row of the table."""

    name: str
    sha256: str
    created_at: str
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose token it was, and the header that it stood in."""

    name: str
    header: bytes


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a request is refused."""

    reason: str


type Table = tuple[Token, ...]


def new_token(random: bytes) -> str:
    """A token of 32 random bytes."""
    if len(random) != 32:
        raise ValueError(f"wanted 32 random bytes, found {len(random)}")
    return PREFIX + urlsafe_b64encode(random).rstrip(b"=").decode()


def digest(token: bytes) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token[:LONGEST]).hexdigest()


def parse(text: bytes) -> Table:
    """The table of tokens; ValueError says what was found and what was wanted."""
    try:
        rows = orjson.loads(text)["tokens"].items()
        return tuple(_row(name, row) for name, row in rows)
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError):
        raise ValueError('wanted a table of tokens such as {"tokens": {"ann": {"sha256": "…"}}}') from None


def _row(name: str, row: Mapping[str, Any]) -> Token:
    sha256 = row["sha256"]
    if not _NAME.fullmatch(name) or not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError(f"token {name[:64]!r}: wanted a name of letters, digits and ._@+- and 64 hex digits of sha256")
    return Token(name, sha256, str(row.get("created_at", "")), row.get("revoked_at"))


def dump(table: Table) -> bytes:
    """The table as it is kept."""
    rows = {
        token.name: {"sha256": token.sha256, "created_at": token.created_at}
        | ({"revoked_at": token.revoked_at} if token.revoked_at else {})
        for token in table
    }
    return orjson.dumps({"tokens": rows}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def added(table: Table, name: str, token: str, at: datetime) -> Table:
    """The table with a token for `name`; ValueError where the name is odd, or has one that is not revoked."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"wanted a name of letters, digits and ._@+-, at most 64, found {name[:80]!r}")
    if any(row.name == name and not row.revoked_at for row in table):
        raise ValueError(f"{name} has a token: revoke it first")
    others = tuple(row for row in table if row.name != name)
    return (*others, Token(name, digest(token.encode()), at.isoformat(timespec="seconds")))


def revoked(table: Table, name: str, at: datetime) -> Table:
    """The table with the token of `name` revoked; ValueError where there is none."""
    if not any(row.name == name and not row.revoked_at for row in table):
        raise ValueError(f"{name} has no token to revoke")
    time = at.isoformat(timespec="seconds")
    return tuple(Token(row.name, row.sha256, row.created_at, time) if row.name == name else row for row in table)


def is_token(value: bytes, table: Table) -> bool:
    """Whether a header's value is a token of `table`, revoked ones included, with or without ``Bearer``."""
    found = digest(_bare(value))
    return any(hmac.compare_digest(row.sha256, found) for row in table)


def identify(headers: Headers, table: Table, *, injected: bool) -> Principal | Denied:
    """Whose token `headers` carry: in our own header, or, where `injected`, in those of a credential."""
    places = [(name.lower(), value) for name, value in headers if name.lower() == HEADER]
    if not places and injected:
        places = [(name.lower(), value) for name, value in headers if name.lower() in (b"authorization", b"x-api-key")]
    if not places:
        wanted = "x-capture-token, Authorization or x-api-key" if injected else "x-capture-token"
        return Denied(f"no capture token: wanted one in {wanted}")
    header, value = places[0]
    if header == b"authorization" and value[:7].lower() != b"bearer ":
        value = b""
    presented = digest(_bare(value) if header == b"authorization" else value.strip())
    found: Principal | None = None
    for row in table:  # all of them, whichever matches: the time tells nothing
        if hmac.compare_digest(row.sha256, presented) and not row.revoked_at:
            found = Principal(row.name, header)
    return found or Denied("unknown or revoked capture token")


def _bare(value: bytes) -> bytes:
    value = value.strip()
    return value[7:].strip() if value[:7].lower() == b"bearer " else value
