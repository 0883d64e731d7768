"""Bytes → the spans in them that look like credentials, after the formats that the providers publish.

A span never holds a quote and always lies within a string if the bytes are JSON. All patterns are linear: each begins
with one rare literal character (sre skips to it at 0.3 ns a byte), looks behind over a fixed width, and repeats
possessively, or over a run that no later attempt scans again.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

type Span = tuple[int, int]

# A row: what must hold where a credential begins, what stands before the pivot, what begins with the pivot.

_WORD = (  # a word begins here: also behind a JSON or a percent escape, whose last character looks like a letter of it
    rb"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
)
_PEM = (  # to its last line or, when that is missing, to the end of the base64
    rb"-BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?=[\\nrt\s>|0-9\xe2\x86\x92]{1,60}(?:[A-Za-z0-9+/=]{16}|[A-Z][A-Za-z-]{3,12}: ))"
    rb"(?:(?:\\++[nrt]|[\r\n\t]|\xe2\x86\x92)[ >|]*+"  # line ends, real and escaped, with indentation and line numbers
    rb"|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID): [^\r\n\"\\]*+"
    rb"|[A-Za-z0-9+/=]++| (?=[A-Za-z0-9+/=]{16}|-----END))*+"
    rb"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
_ROWS: list[tuple[bytes, bytes, bytes]] = [
    (rb"", rb"gh[pousr]", rb"_[A-Za-z0-9]{30,}+"),  # GitHub
    (rb"", rb"github_pat", rb"_[A-Za-z0-9_]{20,}+"),
    (rb"", rb"npm", rb"_[A-Za-z0-9]{30,}+"),
    (rb"", rb"hf", rb"_[A-Za-z0-9]{30,}+"),  # Hugging Face
    (rb"", rb"gsk", rb"_[A-Za-z0-9]{40,}+"),  # Groq
    (_WORD, rb"[rs]k", rb"_(?:live|test)_[A-Za-z0-9]{16,}+"),  # Stripe
    (rb"", rb"whsec", rb"_[A-Za-z0-9+/=]{24,}+"),
    (rb"", rb"dop_v1", rb"_[0-9a-f]{60,}+"),  # DigitalOcean
    (rb"", rb"dckr_pat", rb"_[A-Za-z0-9_-]{20,}+"),  # Docker
    (rb"", rb"shp[acps][ast]", rb"_[0-9a-f]{32,}+"),  # Shopify
    (rb"", rb"----", _PEM),
    (rb"", rb"sk", rb"-ant-[A-Za-z0-9_-]{12,}+"),  # Anthropic
    # OpenAI and all who copy it: at most two short words, then a long run with several digits or capitals
    (_WORD, rb"sk", rb"-(?:[a-z0-9]{1,10}-){0,2}+(?=(?:[a-z_-]*+[A-Z0-9]){4})[A-Za-z0-9_-]{20,}+"),
    (rb"", rb"xox[a-z]", rb"-[A-Za-z0-9-]{16,}+"),  # Slack
    (rb"", rb"xapp", rb"-[A-Za-z0-9-]{16,}+"),
    (rb"", rb"glpat", rb"-[A-Za-z0-9_.-]{16,}+"),  # GitLab
    (rb"", rb"pypi", rb"-AgE[A-Za-z0-9_-]{16,}+"),
    (rb"", rb"GOCSPX", rb"-[A-Za-z0-9_-]{20,}+"),  # Google OAuth client secret
    (_WORD, rb"ey", rb"J[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]{4,}+){1,4}+"),  # JWT: signed or encrypted, cut ones too
    (_WORD, rb"A", rb"IzaSy[A-Za-z0-9_-]{28,}+"),  # Google
    (_WORD + rb"(?<![+/])", rb"A", rb"Iza[A-Za-z0-9_-]{30,}+"),  # four letters alone do occur in long base64
    (_WORD, rb"A[KS]", rb"IA[A-Z0-9]{16,}+"),  # AWS access key id
    (rb"", rb"S", rb"G\.[A-Za-z0-9_-]{16,32}+\.[A-Za-z0-9_-]{32,}+"),  # SendGrid
    (rb"", rb"[A-Za-z0-9_.~-]{3}[0-9]Q", rb"~[A-Za-z0-9_.~-]{30,}+"),  # Microsoft Entra client secret
    (rb"", rb"hooks\.slac", rb"k\.com/(?:services|workflows|triggers)/[A-Za-z0-9_/-]{16,}+"),
]
_GATES = {  # spare most pivots all the rows
    rb"_": rb"(?=[A-Za-z0-9_-]{16})",
    rb"-": rb"(?=[A-Za-z0-9_-]{16}|BEGIN )",
    rb"J": rb"(?<=eyJ)",
    rb"I": rb"(?=za|A[A-Z0-9]{16})",
}


def _width(before: bytes) -> int:
    return len(re.sub(rb"\[[^]]*\](?:\{3\})?|\\.", lambda m: b"..." if m[0].endswith(b"{3}") else b".", before))


def _shapes() -> Iterator[tuple[re.Pattern[bytes], list[int]]]:
    """One pattern a pivot; the number of the group that matched tells how many bytes stand before the pivot."""
    for pivot, rows in groupby(_ROWS, lambda row: row[2][:1]):
        kept = list(rows)
        branches = (rb"(?<=" + at + before + pivot + rb")(" + behind[1:] + rb")" for at, before, behind in kept)
        pattern = pivot + _GATES.get(pivot, b"") + rb"(?:" + rb"|".join(branches) + rb")"
        yield re.compile(pattern), [0, *(_width(before) for _, before, _ in kept)]


_SHAPES = list(_shapes())
_SIGNED = re.compile(  # Azure SAS and presigned URLs
    rb"=(?=[A-Za-z0-9%+/=_-]{20})(?:(?<=[?&;]sig=)|(?<=0026sig=)|(?<=[?&;-][Ss]ignature=))([A-Za-z0-9%+/=_-]++)"
)
_USERINFO = re.compile(
    rb":(?<=[A-Za-z0-9]:)//[^\s/?#@\"'\\<>:\[]{0,256}:([^\s/?#@\"'\\<>$\[{][^\s/?#@\"'\\<>]{0,511})@"
)

# What follows is searched in a lower-case copy.

_SCHEMED = re.compile(rb"b(earer|asic)(?:[ \t+]|%20|\\{1,4}t){1,8}+([a-z0-9._~+/=-]{8,}+)")
_SEPARATED = (  # closing quote of the name, separator, quoted or bare value: none begins as JSON goes on after a string
    rb"(?:_base|_value|_?[0-9])?(\\{0,7}[\"'`])?[ \t]{0,8}(?::=|=>|[:=]|(?<= ))(?:[ \t]|\\{1,4}t){0,8}"
    rb"(?:[bfru]?\\{0,7}[\"'`]([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:&;,|%$-]{7,}+)"
    rb"|([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:%$-]{7,}+))"
)
_ASSIGNED = [
    re.compile(name + _SEPARATED) for name in (rb"k(e[yn])", rb"passw((?:or)?d)", rb"pw(d)", rb"c(ret|redentials?)")
]
_ASSIGNED_NAME = re.compile(
    rb"(?:(?:api|access|secret|private|auth|account|master|signing|encryption|shared|subscription|license|deploy|storage)"
    rb"[-_ ]?key|(?<!next)(?<!next[-_])(?<!page)(?<!page[-_])token|passw(?:or)?d|pwd|secret|credentials?)$"
)
_NO_VALUE = re.compile(rb"https?:|\.{0,2}/(?![A-Za-z0-9+/]{39}$)|~/|process\.|os\.|env[.:]|%|[0-9.:+_,/=eEx-]+$")
_CODE = re.compile(  # identifiers, dotted ones, and class names such as Ed25519PrivateKey
    rb"[A-Za-z_.:-]+[0-9]{0,2}[A-Za-z_.:-]*|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+"
    rb"|[A-Z][A-Za-z]+[0-9]+[A-Z][A-Za-z]+"
)


def is_basic(value: bytes) -> bool:
    """Whether this is base64 of `user:password` (https://www.rfc-editor.org/rfc/rfc7617)."""
    try:
        return b":" in binascii.a2b_base64(value, strict_mode=True)
    except binascii.Error:
        return False


def _is_bearer(value: bytes) -> bool:
    return any(c in b"0123456789" for c in value) or (len(value) >= 20 and not value.islower())


def _is_assigned(b: bytes, m: re.Match[bytes]) -> bool:
    """Precision decides here: source code assigns to `password` all day, and hardly ever a literal with a digit."""
    quoted, (start, end) = m[3] is not None, m.span(3 if m[3] is not None else 4)
    value, follows = b[start:end], b[end : end + 1]
    name = m.string[max(0, m.start() - 24) : m.end(1)]
    if not _ASSIGNED_NAME.search(name) or _NO_VALUE.match(value) or not any(c in b"0123456789" for c in value):
        return False
    if quoted:
        return follows in b"\"'`\\\0"  # b"" too
    if m[2] is not None or (follows and follows in b"([{<"):
        return False
    if b[m.end(1) : start].isspace():
        return bool(re.search(rb"(?:^|[\s\"'\\])-{1,2}[a-z0-9_-]+$", name))  # a command line
    return b[m.start() : m.end(1)].isupper() or not _CODE.fullmatch(value)


def _shaped(b: bytes) -> Iterator[Span]:
    for pattern, widths in _SHAPES:
        for m in pattern.finditer(b):
            yield m.start() - widths[m.lastindex or 0], m.end()
    for m in _SIGNED.finditer(b):
        yield m.span(1)
    if b"@" in b:
        for m in _USERINFO.finditer(b):
            yield m.span(1)
    lower = b.lower()
    for m in _SCHEMED.finditer(lower):
        start, end = m.span(2)
        if (is_basic if m[1] == b"asic" else _is_bearer)(b[start:end]):
            yield start, end
    for pattern in _ASSIGNED:
        for m in pattern.finditer(lower):
            if _is_assigned(b, m):
                yield m.span(3 if m[3] is not None else 4)


def _behind_escape(b: bytes, start: int) -> int:
    """`start`, or the end of the JSON escape that it would cut: in `\\npm_` the n belongs to the newline."""
    for at in range(start - 1, max(-1, start - 6), -1):
        if b[at] == 0x5C:
            first = at
            while first and b[first - 1] == 0x5C:
                first -= 1
            end = at + (6 if b[at + 1] == 0x75 else 2)
            return end if (at - first) % 2 == 0 and start < end else start
    return start


def _occurrences(b: bytes, literals: Iterable[bytes]) -> Iterator[Span]:
    for literal in literals:
        start = b.find(literal)
        while start >= 0:
            end = start + len(literal)
            if b"\\" not in literal or not b.endswith(b"\\", 0, start):  # else its first escape is not one here
                yield start, end
            start = b.find(literal, end)


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return merged


def find(b: bytes, literals: Iterable[bytes] = ()) -> list[Span]:
    """The spans to blank in `b`: what looks like a credential, and the `literals`; in order, none touching another."""
    found: list[Span] = []
    for _ in range(4):  # blanking one may show where another begins, which was glued to it; chains of them are not real
        spans = [(_behind_escape(b, start), end) for start, end in (*_shaped(b), *_occurrences(b, literals))]
        if not spans:
            break
        found = _merged(found + spans)
        kept, done = [], 0
        for start, end in found:
            kept += [b[done:start], b"[", b"]" * (end - start - 1)]  # as long as before, and like a mark at both ends
            done = end
        b = b"".join([*kept, b[done:]])
    return found
