"""The credentials that only what stands around them gives away: names, schemes, commands, URLs."""

import binascii
import re
from collections.abc import Iterable

from mitmclaude.redact.armour import armour
from mitmclaude.redact.assigned import ASSIGNED
from mitmclaude.redact.rule import Rule, Span, Spans, matched

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


_WORDS = re.compile(
    rb"(?i)[a-z_-]{0,24}(?:passw(?:or)?d|passphrase|pass|pwd|secret|token|key|changeme|example|xxx+|\*+|\.+)"
)


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
    """The text of an element of such a name; the match began in the middle of the name."""
    opened = b.rfind(b"<", max(0, m.start() - 48), m.start() + 1)
    is_name = opened >= 0 and re.fullmatch(rb"[A-Za-z0-9_.:-]*", b[opened + 1 : m.start()])
    is_strict = _has_digit(m[1]) or b"pass" in m[0][:8].lower()
    return matched(b, m) if is_name and is_strict and not _is_placeholder(m[1]) else ()


_LINE_ENDS = (b"\n", b"\r", b";", b"|", b"\\n")
_CURL = re.compile(rb"(?:^|[^A-Za-z0-9_-])(?:curl|wget|http)(?:\.exe)?(?=[ \t\\]|$)")


def _of_curl(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """`-u user:password`, where the command is curl or takes its options."""
    if _is_placeholder(m[1]):
        return ()
    start = max(0, m.start() - 200)
    line = max(start, *(b.rfind(end, start, m.start()) for end in _LINE_ENDS))
    return matched(b, m) if _CURL.search(b[line : m.start()]) else ()


def _cookies(b: bytes, m: re.Match[bytes]) -> Iterable[Span]:
    """All of a header's cookies, if one of them is long enough to be a session."""
    values = (part.partition(b"=")[2] for part in m[1].split(b";"))
    return matched(b, m) if any(len(value) >= 16 and _has_digit(value) for value in values) else ()


def _rule(literals: bytes, rest: bytes, spans: Spans = matched, *, at: bytes = b"", caseless: bool = True) -> Rule:
    """A rule whose literals, separated by bars, have `rest` after them."""
    names = tuple(literals.split(b"|"))
    expression = at + b"(?:" + b"|".join(map(re.escape, names)) + b")" + rest
    return Rule(names, expression, 0, caseless, spans)


_OPEN = rb"(?:" + _QUOTE + rb")?"
_IS = _OPEN + _GAP + rb"{0,4}[:=]" + _GAP + rb"{0,4}" + _OPEN
_SPACES = _SPACE + rb"{1,8}"
_WORD = rb"[^\s\"'`\\]{1,256}+"
_VALUE = rb"([^\s\"'`\\<>$;,|]{4,256}+)"
_AFTER_SCHEME = rb"(?:" + _GAP + rb"|\+|%20){1,8}+([a-z0-9._~+/=-]{8,}+)"
_NAMES = b"password passwd passphrase secret token apikey api-key api_key secretkey accesskey privatekey"
_COOKIE = rb"[a-z0-9_.%$-]{1,80}"

# fmt: off
CONTEXTS: tuple[Rule, ...] = (
    *ASSIGNED,
    _rule(b"-----BEGIN ", rb"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", armour, caseless=False),
    _rule(b"bearer", _AFTER_SCHEME, _bearer),
    _rule(b"basic", _AFTER_SCHEME, _basic),
    # with any other scheme or none
    _rule(b"authorization",
          _IS + rb"(?:(?:token|apikey|api-key|key|ssws|geniekey|splunk|discogs|bot|digest)[ \t]{1,4}(?:token=)?)?"
          + _OPEN + rb"(?!aws4)(?=[a-z._~+/=-]{0,60}[0-9])([a-z0-9._~+/=-]{16,}+)", at=rb"(?<![a-z0-9])"),
    # Azure SAS, presigned URLs, AWS signatures
    _rule(b"sig=|signature=",
          rb"(?=[A-Za-z0-9%+/=_-]{20})(?:(?<=[?&;]sig=)|(?<=0026sig=)|(?<=[?&;-]signature=)|(?<=, signature=))"
          rb"([A-Za-z0-9%+/=_-]++)"),
    # userinfo of a URL
    _rule(b"://", rb"[^\s/?#@\"'\\<>:\[]{0,256}:([^\s/?#@\"'\\<>$\[{][^\s/?#@\"'\\<>]{0,511})@",
          at=rb"(?<=[A-Za-z0-9])", caseless=False),
    # pasted headers
    _rule(b"cookie:|cookie\"|cookie\\|cookie'",
          rb"(?:(?<=:)|(?:(?<=[\"'])|\\{0,6}[\"'])" + _GAP + rb"{0,4}[:,])" + _GAP + rb"{0,4}" + _OPEN
          + rb"(" + _COOKIE + rb"=[^\s;\"'`\\,<>]{1,4096}+"
          + rb"(?:;[ \t]?" + _COOKIE + rb"(?:=[^\s;\"'`\\<>]{0,4096}+)?+){0,64}+)", _cookies),
    # netrc
    _rule(b"machine", _SPACES + _WORD + _SPACES + b"login" + _SPACES + _WORD + _SPACES + b"password" + _SPACES + _VALUE,
          _password, at=rb"(?<![a-z])"),
    # XML
    _rule(b"|".join(name + b">" for name in _NAMES.split()),
          rb"[ \t]{0,8}([^\s\"'`\\<>${]{4,256}+)[ \t]{0,8}</", _element),
    _rule(b" -u| --user| --proxy-user", rb"[= ]{0,2}" + _OPEN + rb"[^\s:\"'`\\$<>]{1,128}:" + _VALUE, _of_curl,
          caseless=False),
    _rule(b"sshpass", rb"(?: -[a-zA-Z]{1,3}){0,3} {1,4}-p {0,4}" + _OPEN + _VALUE, _password, caseless=False),
)
# fmt: on
