"""The credentials that only what stands around them gives away: names, schemes, commands, URLs, PEM armour."""

import binascii
import re
from collections.abc import Iterable, Iterator

from mitmclaude.redact.assigned import ASSIGNED
from mitmclaude.redact.rule import Rule, Span, matched

_QUOTE = rb"\\{0,7}[\"'`]"
_GAP = rb"(?:[ \t]|\\{1,4}t)"
_SPACE = rb"(?:[ \t\r\n]|\\{1,4}[nrt])"


def is_basic(value: bytes) -> bool:
    """Whether this is base64 of `user:password` (https://www.rfc-editor.org/rfc/rfc7617)."""
    try:
        return b":" in binascii.a2b_base64(value, strict_mode=True)
    except binascii.Error:
        return False


def _has_digit(value: bytes) -> bool:
    return any(c in b"0123456789" for c in value)


_WORDS = re.compile(rb"(?i)[a-z_-]{0,24}(?:passw(?:or)?d|passphrase|pass|pwd|secret|token|key|changeme|example|xxx+|\*+|\.+)")


def _is_placeholder(value: bytes) -> bool:
    """What documentation writes where a password belongs."""
    return bool(_WORDS.fullmatch(value)) or value[:1] in b"$<{[%*"


def _bearer(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    value = m[1]
    return matched(b, m) if _has_digit(value) or (len(value) >= 20 and not value.islower()) else ()


def _basic(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    return matched(b, m) if is_basic(m[1]) else ()


def _password(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    return () if _is_placeholder(m[1]) else matched(b, m)


def _element(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """The text of an element of such a name; `pattern` began in the middle of the name."""
    opened = b.rfind(b"<", max(0, m.start() - 48), m.start() + 1)
    is_name = opened >= 0 and re.fullmatch(rb"[A-Za-z0-9_.:-]*", b[opened + 1 : m.start()])
    is_strict = _has_digit(m[1]) or b"pass" in m[0][:8].lower()
    return matched(b, m) if is_name and is_strict and not _is_placeholder(m[1]) else ()


def _of_curl(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """`-u user:password`, where the command is curl or takes its options."""
    line = re.split(rb"[\r\n;|]|\\n", b[max(0, m.start() - 300) : m.start()])[-1]
    is_curl = re.search(rb"(?:^|[^A-Za-z0-9_-])(?:curl|wget|http)(?:\.exe)?[ \t\\]", line + b" ")
    return matched(b, m) if is_curl and not _is_placeholder(m[1]) else ()


def _cookies(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """All of a header's cookies, if one of them is long enough to be a session."""
    values = (part.partition(b"=")[2] for part in m[1].split(b";"))
    return matched(b, m) if any(len(value) >= 16 and _has_digit(value) for value in values) else ()


_PEM = re.compile(  # to its last line or, when that is missing, to the end of the base64
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?=[\\nrt\s>|0-9#*;/\xe2\x86\x92-]{1,60}(?:[A-Za-z0-9+/=]{16}|[A-Z][A-Za-z-]{3,12}: ))"
    rb"(?:(?:\\++[nrt]|[\r\n\t]|\xe2\x86\x92)[ >|#*;]*+(?:--? )?+"  # line ends, also escaped; indents, numbers, comments
    rb"|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID): [^\r\n\"\\]*+"
    rb"|[A-Za-z0-9+/=]++| (?=[A-Za-z0-9+/=]{16}|-----END))*+"
    rb"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
_PEM_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_NEXT = re.compile(  # one more line of it, after quotes and operators
    rb"(?:[\s\"'`+.,()&_;#/*>|\\]|\\[nrt]|<<){1,80}?(?<![A-Za-z0-9+/=])((?:[A-Za-z0-9+/]{16,}+|[A-Za-z0-9+/]{1,15}=)={0,2}+)(?=[\s\"'`\\])"
)


def _armour(b: bytes, m: re.Match[bytes]) -> Iterator[Span]:
    """A private key in one piece, or the lines of one that is put together from strings."""
    if whole := _PEM.match(b, m.start()):
        yield whole.span()
        at = whole.end()
        if b.endswith(b"-----", 0, at):
            return
    else:
        at = m.end()
    while line := _PEM_NEXT.match(b, at):
        yield line.span(1)
        at = line.end()


def _rule(
    literals: bytes,
    rest: bytes,
    spans: object = matched,
    *,
    at: bytes = b"",
    caseless: bool = True,
) -> Rule:
    names = tuple(literals.split(b"|"))
    pattern = at + b"(?:" + b"|".join(map(re.escape, names)) + b")" + rest
    return Rule(names, re.compile(pattern, re.IGNORECASE if caseless else 0), 0, caseless, spans)  # type: ignore[arg-type]


_VALUE = rb"([^\s\"'`\\<>$;,|]{4,256}+)"
_SCHEME = rb"(?:" + _GAP + rb"|\+|%20){1,8}+([a-z0-9._~+/=-]{8,}+)"
_USER = rb"[^\s:\"'`\\$<>]{1,128}"

CONTEXTS: tuple[Rule, ...] = (
    *ASSIGNED,
    _rule(b"bearer", _SCHEME, _bearer),
    _rule(b"basic", _SCHEME, _basic),
    _rule(  # with any other scheme or none
        b"authorization",
        rb"(?:" + _QUOTE + rb")?" + _GAP + rb"{0,4}[:=]" + _GAP + rb"{0,4}(?:" + _QUOTE + rb")?"
        rb"(?:(?:token|apikey|api-key|key|ssws|geniekey|splunk|discogs|bot|digest)[ \t]{1,4}(?:token=)?)?(?:" + _QUOTE + rb")?"
        rb"(?!aws4)(?=[a-z._~+/=-]{0,60}[0-9])([a-z0-9._~+/=-]{16,}+)",
        at=rb"(?<![a-z0-9])",
    ),
    _rule(  # Azure SAS and presigned URLs
        b"sig=|signature=",
        rb"(?=[A-Za-z0-9%+/=_-]{20})(?:(?<=[?&;]sig=)|(?<=0026sig=)|(?<=[?&;-]signature=)|(?<=, signature=))([A-Za-z0-9%+/=_-]++)",
    ),
    _rule(
        b"://",
        rb"[^\s/?#@\"'\\<>:\[]{0,256}:([^\s/?#@\"'\\<>$\[{][^\s/?#@\"'\\<>]{0,511})@",
        at=rb"(?<=[A-Za-z0-9])",
        caseless=False,
    ),
    _rule(b"cookie:|cookie\"|cookie\\|cookie'", rb"(?:(?<=:)|(?:(?<=[\"'])|\\{0,6}[\"'])" + _GAP + rb"{0,4}[:,])"
        + _GAP + rb"{0,4}(?:" + _QUOTE + rb")?"
        rb"([a-z0-9_.%$-]{1,80}=[^\s;\"'`\\,<>]{1,4096}+(?:;[ \t]?[a-z0-9_.%$-]{1,80}(?:=[^\s;\"'`\\<>]{0,4096}+)?+){0,64}+)",
        _cookies,
    ),  # fmt: skip
    _rule(b"machine", _SPACE + rb"{1,8}[^\s\"'`\\]{1,256}+" + _SPACE + rb"{1,8}login" + _SPACE + rb"{1,8}[^\s\"'`\\]{1,256}+"
        + _SPACE + rb"{1,8}password" + _SPACE + rb"{1,8}" + _VALUE, _password, at=rb"(?<![a-z])"),  # netrc  # fmt: skip
    _rule(b"password>|passwd>|passphrase>|secret>|token>|apikey>|api-key>|api_key>|secretkey>|accesskey>|privatekey>",
        rb"[ \t]{0,8}([^\s\"'`\\<>${]{4,256}+)[ \t]{0,8}</", _element),  # XML  # fmt: skip
    _rule(b" -u| --user| --proxy-user", rb"[= ]{0,2}(?:" + _QUOTE + rb")?" + _USER + rb":" + _VALUE, _of_curl, caseless=False),
    _rule(b"sshpass", rb"(?: -[a-zA-Z]{1,3}){0,3} {1,4}-p {0,4}(?:" + _QUOTE + rb")?" + _VALUE, _password, caseless=False),
    _rule(b"-----BEGIN ", rb"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", _armour, caseless=False),
)
