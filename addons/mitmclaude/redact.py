"""Headers, targets, bodies, JSON values and SSE streams → copies without credentials.

Two sources say what a credential is: its shape (`_SHAPES` and the rules below them, after the formats that the providers
publish), and the credentials of the very request, whatever they look like (`credentials`).

A span to blank never holds a quote, never begins or ends inside an escape, and always lies within a string, so that JSON
stays JSON. All patterns are linear: each begins with one rare literal character (sre skips to it at 0.3 ns a byte), looks
behind over a fixed width, and repeats possessively or over a run that no later attempt scans again.
"""

import binascii
import hmac
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

import orjson

MARK = "[redacted]"
SHORTEST = 8
"""Credentials of a request that are shorter than this are not looked for elsewhere: they would hit ordinary words."""

type Span = tuple[int, int]
type Pair = tuple[bytes, bytes]

_MARKED = re.compile(rb"\[redacted(?::[0-9a-f]{12})?\]")
_NAME = re.compile(
    rb"token(?!s|iz)|secret|cookie|passw(?:or)?d|passphrase|pwd|credential(?!s$)|signature|oauth|jwt|authori[sz]ation"
    rb"|authentication(?!-info)|(?:^|[-_.])auth(?:$|[-_.])"
    rb"|(?:api|access|private|secret|subscription|functions|account|license|signing|encryption|auth)[-_.]?key"
)
_NO_NAME = re.compile(rb"rate-?limit|^access-control-")
_QUERY_NAME = re.compile(rb"key|sig|code|pw|pass")
_SCHEME = re.compile(rb"(?i)(?:bearer|basic|digest|token|apikey|negotiate|ntlm|aws4-hmac-sha256)[ \t]+")


def _names_a_credential(name: bytes) -> bool:
    name = name.lower()
    return bool(_NAME.search(name)) and not _NO_NAME.search(name)


def _names_a_parameter(name: bytes) -> bool:
    name = unquote_to_bytes(name).lower()
    return bool(_QUERY_NAME.fullmatch(name)) or _names_a_credential(name)


# What credentials look like. A row: what must hold where it begins, what stands before the pivot, what begins with the pivot.

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
    (_WORD + rb"(?<![+/])", rb"A", rb"Iza[A-Za-z0-9_-]{30,}+"),  # Google
    (_WORD, rb"A[KS]", rb"IA[A-Z0-9]{16,}+"),  # AWS access key id
    (rb"", rb"S", rb"G\.[A-Za-z0-9_-]{16,32}+\.[A-Za-z0-9_-]{32,}+"),  # SendGrid
    (rb"", rb"[A-Za-z0-9_.~-]{3}[0-9]Q", rb"~[A-Za-z0-9_.~-]{30,}+"),  # Microsoft Entra client secret
    (rb"", rb"hooks\.slac", rb"k\.com/(?:services|workflows|triggers)/[A-Za-z0-9_/-]{16,}+"),
]
_GATES = {rb"_": rb"(?=[A-Za-z0-9_-]{16})", rb"-": rb"(?=[A-Za-z0-9_-]{16}|BEGIN )"}  # spare most pivots all the rows


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
_USERINFO = re.compile(rb":(?<=[A-Za-z0-9]:)//[^\s/?#@\"'\\<>:]{0,256}:([^\s/?#@\"'\\<>$\[{][^\s/?#@\"'\\<>]{0,511})@")

# What follows is searched in a lower-case copy.

_SCHEMED = re.compile(rb"b(earer|asic)(?:[ \t+]|%20){1,8}+([a-z0-9._~+/=-]{8,}+)")
_SEPARATED = (  # name, its closing quote, separator, then a quoted or a bare value; no value begins as JSON goes on after one
    rb"(?:_base|_value|_?[0-9])?(\\{0,7}[\"'`])?[ \t]{0,8}(?::=|=>|[:=]|(?<= ))[ \t]{0,8}"
    rb"(?:[bfru]?\\{0,7}[\"'`]([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:&;,|%$-]{7,}+)"
    rb"|([a-z0-9+/_.~!@#*?^-][a-z0-9+/_.~!@#*?^=:%$-]{7,}+))"
)
_ASSIGNED = [re.compile(name + _SEPARATED) for name in (rb"k(e[yn])", rb"w((?:or)?d)", rb"c(ret|redentials?)")]
_ASSIGNED_NAME = re.compile(
    rb"(?:(?:api|access|secret|private|auth|account|master|signing|encryption|shared|subscription|license|deploy|storage)"
    rb"[-_ ]?key|(?<!next)(?<!next[-_])(?<!page)(?<!page[-_])token|passw(?:or)?d|pwd|secret|credentials?)$"
)
_NO_VALUE = re.compile(rb"https?:|\.{0,2}/(?![A-Za-z0-9+/]{39}$)|~/|process\.|os\.|env[.:]|%|[0-9.:+_,/=eEx-]+$")
_CODE = re.compile(rb"[A-Za-z_.:-]+[0-9]{0,2}[A-Za-z_.:-]*|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


def _is_basic(value: bytes) -> bool:
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


def _spans(b: bytes) -> Iterator[Span]:
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
        if (_is_basic if m[1] == b"asic" else _is_bearer)(b[start:end]):
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


def _mark(key: bytes | None, secret: bytes) -> bytes:
    if key is None:
        return MARK.encode()
    return b"[redacted:%s]" % hmac.digest(key, secret, "sha256").hex()[:12].encode()


def _scheme_and_rest(value: bytes) -> tuple[bytes, bytes]:
    scheme = _SCHEME.match(value)
    return (value[: scheme.end()], value[scheme.end() :].strip()) if scheme else (b"", value.strip())


def _passwords(name: bytes, value: bytes) -> Iterator[bytes]:
    """The parts of a credential header by which the credential may be met again."""
    scheme, rest = _scheme_and_rest(value)
    if b"cookie" in name.lower():
        parts = (part.partition(b"=")[2].strip(b' "') for part in value.split(b";"))
        yield from (part for part in parts if len(part) >= 2 * SHORTEST)
    else:
        yield rest
        if scheme.lower().startswith(b"basic") and _is_basic(rest):
            userinfo = binascii.a2b_base64(rest)
            yield from (userinfo, userinfo.partition(b":")[2])


def credentials(pairs: Iterable[Pair], target: str | bytes = b"") -> frozenset[bytes]:
    """The credentials of one request, bare: without scheme, Basic also decoded, long cookie values, query values.

    Those shorter than SHORTEST bytes are left out (cookie values: twice that).
    """
    found = {part for name, value in pairs if _names_a_credential(name) for part in _passwords(name, value)}
    path = target.encode("utf-8", "surrogatepass") if isinstance(target, str) else target
    for parameter in re.split(rb"[&;#]", path.partition(b"?")[2]):
        name, _, value = parameter.partition(b"=")
        if _names_a_parameter(name):
            found |= {value, unquote_to_bytes(value)}
    if userinfo := re.match(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#:]*:([^/?#]*)@", path):
        found |= {userinfo[1], unquote_to_bytes(userinfo[1])}
    return frozenset(secret for secret in found if len(secret) >= SHORTEST and not _MARKED.fullmatch(secret))


class _Delta(NamedTuple):
    """One streamed string: the bounds of its event's JSON in the stream, the event, and the object and field it is in."""

    bounds: Span
    event: dict[str, Any]
    part: dict[str, Any]
    field: str


_EVENT = re.compile(rb"data:(?<![^\r\n]data:) ?(\{[^\r\n]*)")


def _deltas(stream: bytes) -> Iterator[_Delta]:
    for m in _EVENT.finditer(stream):
        if b"content_block" not in m[1]:
            continue
        try:
            event = orjson.loads(m[1])
        except ValueError:
            continue
        part = event.get("delta", event.get("content_block"))
        if isinstance(part, dict):
            for name in ("text", "partial_json", "thinking"):
                if isinstance(part.get(name), str):
                    yield _Delta(m.span(1), event, part, name)


# JSON that stands outside strings: a credential that consists of nothing else is not looked for in raw bodies
_NO_STRING = re.compile(rb"[\s,:\[\]{}0-9.eE+\-truefalsn]*")


@dataclass(frozen=True)
class Redactor:
    """Blanks credentials in everything of one flow.

    With a `key` each mark carries 12 hex digits of HMAC-SHA256(key, credential), so that two flows can be told to share
    one. `also` are the credentials of this flow (see `credentials`), blanked wherever they occur, whatever they look like.
    """

    key: bytes | None = field(default=None, repr=False)
    also: frozenset[bytes] = field(default=frozenset(), repr=False)

    def headers(self, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
        """The same headers in the same order; of a credential the scheme stays, of another value all but its secrets."""
        return tuple((name, self._header(name, value)) for name, value in pairs)

    def _header(self, name: bytes, value: bytes) -> bytes:
        if not _names_a_credential(name):
            return self._plain(value)
        scheme, rest = _scheme_and_rest(value)
        return scheme + self._whole(rest) if rest else value

    def _whole(self, secret: bytes) -> bytes:
        return secret if _MARKED.fullmatch(secret) else _mark(self.key, secret)

    def target[T: (str, bytes)](self, path: T) -> T:
        """The target of a request line; what is not blanked stays as it was, byte for byte, also its percent-encoding."""
        if isinstance(path, str):
            return self._target(path.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        return self._target(path)

    def _target(self, path: bytes) -> bytes:
        path = re.sub(rb"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@", lambda m: b"%s%s@" % (m[1], self._whole(m[2])), path)
        path, mark, query = path.partition(b"?")
        query = re.sub(rb"([^&;#=]*)=([^&;#]+)", lambda m: b"%s=%s" % (m[1], self._parameter(m[1], m[2])), query)
        path = self._plain(path + mark + query)
        return re.sub(rb"[^/?&;=#]*%[^/?&;=#]*", lambda m: self._encoded(m[0]), path)

    def _parameter(self, name: bytes, value: bytes) -> bytes:
        return self._whole(value) if _names_a_parameter(name) else value

    def _encoded(self, part: bytes) -> bytes:
        decoded = part
        for _ in range(3):  # an encoded URL within an encoded URL
            decoded = unquote_to_bytes(decoded)
            if self._find(decoded, self._plain_literals):
                return _mark(self.key, part)
        return part

    def text(self, s: str) -> str:
        """A plain string, such as one that was decoded from JSON."""
        return self._string(s)

    def raw(self, b: bytes) -> bytes:
        """A body as it came. What was valid JSON is valid JSON."""
        return self._cut(b, self._find(b, self._json_literals))

    def value[T](self, v: T) -> T:
        """A JSON value with all its strings, dict keys too; the very same object when there is nothing to blank."""
        try:
            if not self._find(orjson.dumps(v), self._json_literals | self._plain_literals):
                return v
        except TypeError:  # too deep, too big or too odd for orjson
            pass
        root: list[Any] = [v]
        todo: list[Any] = [root]
        while todo:  # each container is copied once, before its own content is
            here = todo.pop()
            for at, item in here.items() if isinstance(here, dict) else enumerate(here):
                if isinstance(item, dict | list):
                    here[at] = item.copy()
                    todo.append(here[at])
                elif isinstance(item, str):
                    here[at] = self._string(item, at if isinstance(at, str) else "")
            if isinstance(here, dict):
                items = [(self._string(k) if isinstance(k, str) else k, item) for k, item in here.items()]
                here.clear()
                here.update(items)
        return root[0]  # type: ignore[no-any-return]

    def sse(self, stream: bytes) -> bytes:
        """A Messages event stream, where a secret may be spread over many deltas. Events without one stay as they are."""
        touched: dict[Span, dict[str, Any]] = {}
        by_field: dict[tuple[str, str], list[_Delta]] = {}
        for delta in _deltas(stream):
            by_field.setdefault((repr(delta.event.get("index")), delta.field), []).append(delta)
        for deltas in by_field.values():
            touched |= self._spread(deltas)
        kept, end = [], 0
        for bounds, event in sorted(touched.items(), key=lambda item: item[0]):
            kept += [stream[end : bounds[0]], orjson.dumps(event)]
            end = bounds[1]
        return self.raw(b"".join([*kept, stream[end:]]) if touched else stream)

    def _spread(self, deltas: list[_Delta]) -> dict[Span, dict[str, Any]]:
        """The events that had to change: a secret's mark stands where it began, its other deltas just lose their part."""
        pieces = [delta.part[delta.field].encode() for delta in deltas]
        whole = b"".join(pieces)
        spans = self._find(whole, self._json_literals | self._plain_literals)
        touched, at, first = {}, 0, 0
        for delta, piece in zip(deltas, pieces, strict=True):
            end = at + len(piece)
            while first < len(spans) and spans[first][1] <= at:
                first += 1
            kept, done, n = b"", at, first
            while n < len(spans) and spans[n][0] < end:
                start, stop = spans[n]
                kept += whole[done:start] + (_mark(self.key, whole[start:stop]) if start >= at else b"")
                done, n = stop, n + 1
            if n > first:
                delta.part[delta.field] = (kept + whole[done:end]).decode("utf-8", "replace")
                touched[delta.bounds] = delta.event
            at = end
        return touched

    def _string(self, s: str, name: str = "") -> str:
        """`name` is the dict key that `s` stands at: `{"password": …}` says what it is as well as its text does."""
        before = b'"%s":"' % name.encode("utf-8", "surrogatepass") if name else b""
        b = before + s.encode("utf-8", "surrogatepass")
        spans = [(start, end) for start, end in self._find(b, self._plain_literals) if start >= len(before)]
        return self._cut(b, spans)[len(before) :].decode("utf-8", "surrogatepass") if spans else s

    def _plain(self, b: bytes) -> bytes:
        return self._cut(b, self._find(b, self._plain_literals))

    def _cut(self, b: bytes, spans: list[Span]) -> bytes:
        kept, done = [], 0
        for start, end in spans:
            kept += [b[done:start], _mark(self.key, b[start:end])]
            done = end
        return b"".join([*kept, b[done:]]) if spans else b

    def _find(self, b: bytes, literals: Collection[bytes]) -> list[Span]:
        """The spans to blank, in order, none touching another."""
        found: list[Span] = []
        for start, end in sorted((*_spans(b), *_occurrences(b, literals))):
            start = _behind_escape(b, start)
            if found and start <= found[-1][1]:
                found[-1] = found[-1][0], max(end, found[-1][1])
            elif start < end:
                found.append((start, end))
        return found

    @cached_property
    def _plain_literals(self) -> frozenset[bytes]:
        forms = {form for secret in self.also for form in (secret, quote_from_bytes(secret, safe="").encode())}
        return frozenset(form for form in forms if len(form) >= SHORTEST and not _MARKED.match(b"[%s]" % form))

    @cached_property
    def _json_literals(self) -> frozenset[bytes]:
        """As they are written in JSON, with and without \\u escapes."""
        forms = set()
        for plain in self._plain_literals:
            try:
                s = plain.decode()
            except UnicodeDecodeError:  # a part of a character would be no JSON
                s = plain.decode("latin-1")
            forms |= {json.dumps(s, ensure_ascii=ascii)[1:-1].encode() for ascii in (False, True)}
        return frozenset(form for form in forms if not _NO_STRING.fullmatch(form))
