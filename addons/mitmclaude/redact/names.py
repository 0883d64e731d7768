"""Headers and targets → which of their values are credentials, by the names they stand at."""

import binascii
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from mitmclaude.redact.contexts import is_basic

MARK = "[redacted]"
SHORTEST = 8
"""Credentials of a request that are shorter than this are not looked for elsewhere: they would hit ordinary words."""

type Pair = tuple[bytes, bytes]

MARKED = re.compile(rb"\[redacted(?::[0-9a-f]{12})?\]")
_NAME = re.compile(
    rb"token(?!s|iz)|secret|cookie|passw(?:or)?d|passphrase|pwd|credential(?!s$)|signature|oauth|jwt|authori[sz]ation"
    rb"|authentication(?!-info)|(?:^|[-_.])auth(?:$|[-_.])"
    rb"|(?:api|access|private|secret|subscription|functions|account|license|signing|encryption|auth|master|customer)[-_.]?key"
    rb"|^(?:x[-_.](?:[a-z0-9]+[-_.])*)?(?:key|vk|virtual[-_.]?key|session|sid|pass|pw|pin|otp)$"
)
_NO_NAME = re.compile(
    rb"rate-?limit|^access-control-|(?:idempotency|cache|partition|routing|sort|surrogate|ordering)[-_.]?key$"
)
_QUERY_NAME = re.compile(rb"key|sig|code|pw|pass")
_SCHEME = re.compile(rb"(?i)(?:bearer|basic|digest|token|apikey|negotiate|ntlm|aws4-hmac-sha256)[ \t]+")


@lru_cache(maxsize=1024)
def names_a_credential(name: bytes) -> bool:
    """Of a header, in any case. Token counts (`…-tokens-…`) and rate limits are no credentials."""
    name = name.lower()
    return bool(_NAME.search(name)) and not _NO_NAME.search(name)


def names_a_parameter(name: bytes) -> bool:
    """Of a query parameter whose value is a credential; the name may be percent-encoded."""
    name = unquote_to_bytes(name).lower()
    return bool(_QUERY_NAME.fullmatch(name)) or names_a_credential(name)


def scheme_and_rest(value: bytes) -> tuple[bytes, bytes]:
    """`Bearer x` → (`Bearer `, `x`); without a known scheme the first is empty."""
    scheme = _SCHEME.match(value)
    return (value[: scheme.end()], value[scheme.end() :].strip()) if scheme else (b"", value.strip())


def _passwords(name: bytes, value: bytes) -> Iterator[bytes]:
    """The parts of a credential header by which the credential may be met again."""
    scheme, rest = scheme_and_rest(value)
    if b"cookie" in name.lower():
        parts = (part.partition(b"=")[2].strip(b' "') for part in value.split(b";"))
        yield from (part for part in parts if len(part) >= 2 * SHORTEST)
    else:
        yield rest
        if scheme.lower().startswith(b"basic") and is_basic(rest):
            userinfo = binascii.a2b_base64(rest)
            yield from (userinfo, userinfo.partition(b":")[2])


def credentials(pairs: Iterable[Pair], target: str | bytes = b"") -> frozenset[bytes]:
    """The credentials of one request, bare: without scheme, Basic also decoded, long cookie values, query values.

    Those shorter than SHORTEST bytes are left out (cookie values: twice that).
    """
    found = {part for name, value in pairs if names_a_credential(name) for part in _passwords(name, value)}
    path = target.encode("utf-8", "surrogatepass") if isinstance(target, str) else target
    for parameter in re.split(rb"[&;#]", path.partition(b"?")[2]):
        name, _, value = parameter.partition(b"=")
        if names_a_parameter(name):
            found |= {value, unquote_to_bytes(value)}
    if userinfo := re.match(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#:]*:([^/?#]*)@", path):
        found |= {userinfo[1], unquote_to_bytes(userinfo[1])}
    return frozenset(secret for secret in found if len(secret) >= SHORTEST and not MARKED.fullmatch(secret))
