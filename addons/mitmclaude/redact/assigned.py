"""Literal values at a name that tells what they are: `password = "…"`, `API_KEY=…`, `define('AUTH_KEY', '…')`."""

import binascii
import re
from collections.abc import Iterable

from mitmclaude.redact.rule import Rule, Span

_SEPARATED = (  # closing quote of the name, separator, quoted or bare value: none begins as JSON goes on after a string
    rb"(?:_base|_value|_?[0-9]|[-_]?data)?(\\{0,7}[\"'`])?[ \t]{0,8}(?::=|=>|[:=]|(?<= ))(?:[ \t]|\\{1,4}t){0,8}"
    rb"(?:(?:[\r\n]\s{0,64})?[bfru]?\\{0,7}[\"'`]([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:&;,|%$<>()-]{7,}+)"
    rb"|(?=[^\s\"'`\\]{8})([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:%$-]*+))"
)
_KINDS = b"api access secret private auth account master signing encryption shared subscription license deploy storage"
_KEYS = tuple(b"%s%skey" % (kind, sep) for kind in (*_KINDS.split(), b"client") for sep in (b"", b"-", b"_", b" "))
_NAMES = (b"token", b"secret", b"password", b"passwd", b"pwd", b"credential")
_NAME = rb"(" + b"|".join(_NAMES) + rb"|(?:client|" + _KINDS.replace(b" ", b"|") + rb")[-_ ]?key)(?:(?<=l)s)?"
_NAME_OF_TYPE = re.compile(rb"::[A-Za-z0-9]*$")
_MORE_OF_PAGE = re.compile(rb"(?i)(?:next|page)[-_]?$")
_NO_VALUE = re.compile(rb"https?:|\.{1,2}/|~/|process\.|os\.|env[.:]|%|[0-9.:+_,/=eEx-]+$")
_CODE = re.compile(  # identifiers, dotted ones, and class names such as Ed25519PrivateKey
    rb"[A-Za-z_.:-]++[0-9]{0,2}+[A-Za-z_.:-]*+|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+"
    rb"|[A-Z][A-Za-z]+[0-9]+[A-Z][A-Za-z]+"
)
_CALLED = re.compile(rb"[A-Za-z_.][A-Za-z0-9_.:]*+[(<]")
_AFTER_CALL = re.compile(rb"[)>](?:\.[A-Za-z0-9_.]*+)?[;,]?")
_DIGIT = re.compile(rb"[0-9]")
_REST = re.compile(rb"[^\s\"'`\\]{0,256}")
_PATH_PART = re.compile(rb"(?:\A|/)[A-Za-z]?[a-z]{3,}(?:[0-9._-][A-Za-z0-9._-]*)?(?:/|\Z)")
_OPTION = re.compile(rb"(?i)(?:^|[\s\"'\\])-{1,2}[a-z0-9_-]+$")


def _is_path(value: bytes) -> bool:
    """Of what begins with a slash: base64 does so too, but mixes its letters."""
    kinds = re.search(rb"[0-9]", value) and re.search(rb"[A-Z]", value) and re.search(rb"[a-z]", value)
    return len(value) < 16 or not kinds or b"." in value or bool(_PATH_PART.search(value))


def _is_call(value: bytes) -> bool:
    """Or a generic type."""
    last = max(value.rfind(b")"), value.rfind(b">"))
    return last >= 0 and bool(_CALLED.match(value) and _AFTER_CALL.fullmatch(value, last))


def _of_name(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """Precision decides here: source code assigns to `password` all day, and hardly ever a literal with a digit."""
    is_quoted = m[3] is not None
    start, end = m.span(3) if is_quoted else _whole_setting(b, m)
    value = b[start:end]
    if len(value) < 8 or not _DIGIT.search(value) or _NO_VALUE.match(value) or (value[:1] == b"/" and _is_path(value)):
        return ()
    if _is_call(value) or not _names_it(b, m, start):
        return ()
    is_it = b[end : end + 1] in b"\"'`\\\0" if is_quoted else _is_bare(b, m, start, end)  # b"" too
    return ((start, end),) if is_it else ()


def _names_it(b: bytes, m: re.Match[bytes], start: int) -> bool:
    before = b[max(0, m.start() - 24) : m.start()]
    if _NAME_OF_TYPE.search(before) or (m[1].lower() == b"token" and _MORE_OF_PAGE.search(before)):
        return False
    return not m[1].lower().startswith(b"client") or b"data" in b[m.end(1) : start].lower()


def _whole_setting(b: bytes, m: re.Match[bytes]) -> Span:
    """A bare value; in an environment file, to which its name's capitals point, brackets are a part of it."""
    start, end = m.span(4)
    if not m[1].isupper() or b[end : end + 1] not in (b"(", b"<", b">"):
        return start, end
    whole: int = _REST.match(b, end).end()  # type: ignore[union-attr]  # it matches anywhere
    value = b[start:whole]
    is_call = value.count(b"(") > value.count(b")") and (b[whole : whole + 1] == b" " or value.endswith(b"("))
    return (start, end) if is_call or b"</" in value else (start, whole)


def _is_bare(b: bytes, m: re.Match[bytes], start: int, end: int) -> bool:
    if m[2] is not None or b[end : end + 1] in (b"(", b"[", b"{", b"<", b">"):
        return False
    if b[m.end(1) : start].isspace():
        return bool(_OPTION.search(b, max(0, m.start() - 24), m.end(1)))
    return m[1].isupper() or not _CODE.fullmatch(b, start, end)


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


_QUOTE = rb"\\{0,7}[\"'`]"
_AUTH = (b'auth"', b"auth'", b"auth\\", b"auth=", b"auth =", b"auth:")
ASSIGNED: tuple[Rule, ...] = (
    Rule((*_NAMES, *_KEYS), _NAME + _SEPARATED, 0, True, _of_name),
    Rule(  # Docker, npm
        _AUTH,
        rb"auth(?<![A-Za-z0-9]auth)(?:" + _QUOTE + rb")?[ \t]{0,4}[:=][ \t]{0,4}(?:" + _QUOTE + rb")?"
        rb"([A-Za-z0-9+/]{8,}+={0,2})(?![A-Za-z0-9+/=])",
        spans=_of_auth,
    ),
    Rule(  # PHP
        (b"define(",),
        rb"define\([ \t]{0,4}"
        + (_QUOTE + rb"[A-Z0-9_]{0,40}?(PASSWORD|PASSWD|PASS|PWD|SECRET|KEY|SALT|TOKEN)" + _QUOTE)
        + rb"[ \t]{0,4},[ \t]{0,4}"
        + (_QUOTE + rb"([^\"'`\\\r\n]{4,256})" + _QUOTE),
        spans=_of_define,
    ),
)
