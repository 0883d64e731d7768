"""Literal values at a name that tells what they are: `password = "…"`, `API_KEY=…`, `"auth": "…"`, `define('…', '…')`."""

import binascii
import re
from collections.abc import Iterable

from mitmclaude.redact.rule import Rule, Span

_SEPARATED = (  # closing quote of the name, separator, quoted or bare value: none begins as JSON goes on after a string
    rb"(?:_base|_value|_?[0-9]|[-_]?data)?(\\{0,7}[\"'`])?[ \t]{0,8}(?::=|=>|[:=]|(?<= ))(?:[ \t]|\\{1,4}t){0,8}"
    rb"(?:(?:[\r\n]\s{0,64})?[bfru]?\\{0,7}[\"'`]([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:&;,|%$<>()-]{7,}+)"
    rb"|([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:%$-]{7,}+))"
)
_KEYS = b"api access secret private auth account master signing encryption shared subscription license deploy storage client"
_NAMES = (
    *(b"%s%skey" % (first, sep) for first in _KEYS.split() for sep in (b"", b"-", b"_", b" ")),
    *(b"token", b"passwd", b"password", b"pwd", b"secret", b"credential"),
)
_NAME_OF_TYPE = re.compile(rb"::[A-Za-z0-9]*$")
_MORE_OF_PAGE = re.compile(rb"(?i)(?:next|page)[-_]?$")
_NO_VALUE = re.compile(rb"https?:|\.{1,2}/|~/|process\.|os\.|env[.:]|%|[0-9.:+_,/=eEx-]+$")
_CODE = re.compile(  # identifiers, dotted ones, and class names such as Ed25519PrivateKey
    rb"[A-Za-z_.:-]+[0-9]{0,2}[A-Za-z_.:-]*|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+"
    rb"|[A-Z][A-Za-z]+[0-9]+[A-Z][A-Za-z]+"
)
_CALL = re.compile(rb"[A-Za-z_.][A-Za-z0-9_.:]*[(<]")
_BARE_REST = re.compile(rb"[^\s\"'`\\]{0,256}")
_PATH_PART = re.compile(rb"(?:\A|/)[A-Za-z]?[a-z]{3,}(?:[0-9._-][A-Za-z0-9._-]*)?(?:/|\Z)")
_OPTION = re.compile(rb"(?i)(?:^|[\s\"'\\])-{1,2}[a-z0-9_-]+$")


def _is_path(value: bytes) -> bool:
    """Of what begins with a slash: base64 does so too, but mixes its letters."""
    kinds = re.search(rb"[0-9]", value) and re.search(rb"[A-Z]", value) and re.search(rb"[a-z]", value)
    return len(value) < 16 or not kinds or b"." in value or bool(_PATH_PART.search(value))


def _of_name(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """Precision decides here: source code assigns to `password` all day, and hardly ever a literal with a digit."""
    is_quoted, (start, end) = m[3] is not None, m.span(3 if m[3] is not None else 4)
    value = b[start:end]
    if _NO_VALUE.match(value) or (value[:1] == b"/" and _is_path(value)) or not re.search(rb"[0-9]", value):
        return ()
    if m[1].lower() == b"token" and _MORE_OF_PAGE.search(b, max(0, m.start() - 5), m.start()):
        return ()
    if _NAME_OF_TYPE.search(b, max(0, m.start() - 24), m.start()):
        return ()
    if m[1].lower().startswith(b"client") and b"data" not in b[m.end(1) : start].lower():
        return ()
    return _quoted(b, start, end) if is_quoted else _bare(b, m, start, end)


def _quoted(b: bytes, start: int, end: int) -> Iterable[Span]:
    value = b[start:end]
    if b[end : end + 1] not in b"\"'`\\\0":  # b"" too
        return ()
    return () if re.search(rb"[<>()]", value) and (_CALL.match(value) or value.endswith(b">")) else ((start, end),)


def _bare(b: bytes, m: re.Match[bytes], start: int, end: int) -> Iterable[Span]:
    follows, is_setting = b[end : end + 1], m[1].isupper()
    if m[2] is not None or (follows and follows in b"[{"):
        return ()
    if follows and follows in b"(<>":  # in an environment file it is a part of the value, elsewhere code or markup
        more = _BARE_REST.match(b, end)
        if not is_setting or more is None or b"</" in more[0] or _CALL.match(b, start):
            return ()
        return ((start, more.end()),)
    if b[m.end(1) : start].isspace():
        is_option = _OPTION.search(b, max(0, m.start() - 24), m.end(1))
        return ((start, end),) if is_option else ()
    return ((start, end),) if is_setting or not _CODE.fullmatch(b, start, end) else ()


def _of_auth(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    try:
        userinfo = binascii.a2b_base64(m[1], strict_mode=True).decode()
    except ValueError:
        return ()
    return (m.span(1),) if ":" in userinfo and userinfo.isprintable() else ()


def _of_define(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    is_random = re.search(rb"[0-9]", m[2]) and len(m[2]) >= 8
    is_password = m[1].lower().startswith((b"pass", b"pwd")) and not re.search(rb"\s|_here$|^\$|password$", m[2])
    return (m.span(2),) if is_random or is_password else ()


def _any_of(names: Iterable[bytes]) -> bytes:
    return b"(" + b"|".join(map(re.escape, names)) + b")"


_QUOTE = rb"\\{0,7}[\"'`]"
_AUTH = (b'auth"', b"auth'", b"auth\\", b"auth=", b"auth =", b"auth:")
ASSIGNED: tuple[Rule, ...] = (
    Rule(_NAMES, re.compile(_any_of(_NAMES) + rb"(?:(?<=l)s)?" + _SEPARATED, re.IGNORECASE), 0, True, _of_name),
    Rule(  # Docker, npm
        _AUTH,
        re.compile(
            rb"auth(?<![A-Za-z0-9]auth)(?:" + _QUOTE + rb")?[ \t]{0,4}[:=][ \t]{0,4}(?:" + _QUOTE + rb")?"
            rb"([A-Za-z0-9+/]{8,}+={0,2})(?![A-Za-z0-9+/=])"
        ),
        spans=_of_auth,
    ),
    Rule(  # PHP
        (b"define(",),
        re.compile(
            rb"define\([ \t]{0,4}" + _QUOTE + rb"[A-Z0-9_]{0,40}?(PASSWORD|PASSWD|PASS|PWD|SECRET|KEY|SALT|TOKEN)" + _QUOTE
            + rb"[ \t]{0,4},[ \t]{0,4}" + _QUOTE + rb"([^\"'`\\\r\n]{4,256})" + _QUOTE
        ),  # fmt: skip
        spans=_of_define,
    ),
)
