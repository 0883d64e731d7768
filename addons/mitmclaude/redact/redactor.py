"""The parts of one flow → copies without credentials."""

import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import orjson

from mitmclaude.redact.finder import find
from mitmclaude.redact.names import (
    MARK,
    MARKED,
    SHORTEST,
    Pair,
    names_a_credential,
    names_a_parameter,
    scheme_and_rest,
)
from mitmclaude.redact.rule import Span
from mitmclaude.redact.spread import blank_spread, spread_texts
from mitmclaude.redact.wide import decoded, encoded, encoding_of

_UTF8 = ("utf-8", "surrogatepass")
# JSON as it stands outside strings: a credential that consists of nothing else is not looked for in raw bodies
_NO_STRING = re.compile(rb"[\s,:\[\]{}0-9.eE+\-truefalsn]*")
KNOWN_HEADERS = 256
"""Headers whose redacted form a redactor remembers."""

LONG_VALUE = 4096
"""Bytes of a value that is not remembered."""

_UPPER = re.compile(r"(\\u)([0-9a-f]{4})")


@dataclass(frozen=True)
class Redactor:
    """Blanks credentials in everything of one flow.

    With a `key` each mark carries 12 hex digits of HMAC-SHA256(key, credential), so that two flows can be told to share
    one. `also` are the credentials of this flow (see `credentials`), blanked wherever they occur, whatever they look
    like.
    """

    key: bytes | None = field(default=None, repr=False)
    also: frozenset[bytes] = field(default=frozenset(), repr=False)

    def headers(self, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
        """The same headers in the same order: a credential keeps its scheme, any other value loses its secrets only.

        A name may hold a secret too, and loses it. A client sends most of its headers with every request: what became
        of each is remembered, within a bound.
        """
        pairs, known = tuple(pairs), self._known_headers
        if unknown := [pair for pair in dict.fromkeys(pairs) if pair not in known]:
            if len(known) + len(unknown) > KNOWN_HEADERS:
                known.clear()
            made = self._headers(unknown)
            known.update((pair, kept) for pair, kept in zip(unknown, made, strict=True) if len(pair[1]) <= LONG_VALUE)
            now = dict(zip(unknown, made, strict=True))
            return tuple([now[pair] if pair in now else known[pair] for pair in pairs])
        return tuple([known[pair] for pair in pairs])

    def _headers(self, pairs: list[Pair]) -> list[Pair]:
        texts = [text for name, value in pairs for text in (name, b"" if names_a_credential(name) else value)]
        spans = list(_by_value(texts, find(b"\n".join(texts), self._header_forms)))  # one look at all of them
        return [
            (
                self._cut(name, of_name),
                self._credential(value) if names_a_credential(name) else self._cut(value, of_value),
            )
            for (name, value), of_name, of_value in zip(pairs, spans[::2], spans[1::2], strict=True)
        ]

    def target[T: (str, bytes)](self, path: T) -> T:
        """The target of a request line; what is not blanked stays byte for byte, also its percent-encoding."""
        if isinstance(path, str):
            return self._target(path.encode("utf-8", "surrogateescape")).decode("utf-8", "backslashreplace")
        return self._target(path)

    def text(self, s: str) -> str:
        """A plain string, such as one that was decoded from JSON."""
        return self._string(s)

    def raw(self, b: bytes) -> bytes:
        """A body as it came, in UTF-8, UTF-16 or UTF-32. What was valid JSON is valid JSON.

        The very same object when there is nothing to blank.
        """
        wide = encoding_of(b)
        if wide is None or (parts := decoded(b, wide)) is None:
            return self._cut(b, find(b, self._json_forms))
        text, rest = parts
        spans = find(text, self._json_forms)
        return encoded(self._cut(text, spans), wide) + rest if spans else b

    def sse(self, stream: bytes) -> bytes:
        """A Messages event stream, where a secret may be spread over many deltas. The same bytes if there is none."""
        return self.raw(blank_spread(stream, lambda b: find(b, self._forms), self._mark))

    def is_clean(self, body: bytes, texts: Iterable[bytes] | None = None) -> bool:
        """Whether there is nothing to blank in this decoded body, be it JSON, an event stream or text.

        `raw` and `sse` then return the same object, and `value` leaves what was parsed from it alone: nothing made of a
        clean body need be looked at again. `texts` are the strings that the deltas of an event stream make, joined by
        block and field, for whoever has them at hand; without them the events are parsed here.
        """
        if encoding_of(body) is not None:
            return self.raw(body) is body
        if find(body, self._forms):
            return False
        joined = texts if texts is not None else spread_texts(body) if b"content_block" in body else ()
        return not any(find(text, self._forms) for text in joined)

    def value[T](self, v: T) -> T:
        """A JSON value with all its strings, dict keys too; the very same object when there is nothing to blank.

        It looks through all of `v`: where `is_clean` holds for the body that `v` was parsed from, there is no need to.
        """
        try:
            if not find(orjson.dumps(v), self._forms):
                return v
        except TypeError:  # too deep, too big or too odd for orjson
            pass
        root: list[Any] = [v]
        todo: list[Any] = [root]
        while todo:  # each container is copied once, then its content in place
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

    def _string(self, s: str, name: str = "") -> str:
        """`name` is the dict key that `s` stands at: `{"password": …}` tells as much as the text of `s` does."""
        before = b'"%s":"' % name.encode(*_UTF8) if name else b""
        b = before + s.encode(*_UTF8)
        spans = [span for span in find(b, self._forms) if span[0] >= len(before)]
        return self._cut(b, spans)[len(before) :].decode(*_UTF8) if spans else s

    def _credential(self, value: bytes) -> bytes:
        scheme, rest = scheme_and_rest(value)
        return scheme + self._whole(rest) if rest else value

    def _target(self, path: bytes) -> bytes:
        scheme = rb"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@"
        path = re.sub(scheme, lambda m: b"%s%s@" % (m[1], self._whole(m[2])), path)
        path, mark, query = path.partition(b"?")
        query = b"".join(map(self._parameter, re.split(rb"([&;#])", query)))
        path = self._plain(path + mark + query)
        return b"".join(self._encoded(part) if b"%" in part else part for part in re.split(rb"([/?&;=#])", path))

    def _parameter(self, parameter: bytes) -> bytes:
        name, equals, value = parameter.partition(b"=")
        return name + equals + self._whole(value) if value and names_a_parameter(name) else parameter

    def _encoded(self, part: bytes) -> bytes:
        encoded, decoded = part, unquote_to_bytes(part)
        for _ in range(3):  # an encoded URL within an encoded URL
            if decoded == encoded:
                break
            if find(decoded, self._plain_forms):
                return self._mark(part)
            encoded, decoded = decoded, unquote_to_bytes(decoded)
        return part

    def _plain(self, b: bytes) -> bytes:
        return self._cut(b, find(b, self._plain_forms))

    def _cut(self, b: bytes, spans: list[Span]) -> bytes:
        kept, done = [], 0
        for start, end in spans:
            kept += [b[done:start], self._mark(b[start:end])]
            done = end
        return b"".join([*kept, b[done:]]) if spans else b

    def _mark(self, secret: bytes) -> bytes:
        if self.key is None:
            return MARK.encode()
        return b"[redacted:%s]" % hmac.digest(self.key, secret, "sha256").hex()[:12].encode()

    def _whole(self, secret: bytes) -> bytes:
        return secret if MARKED.fullmatch(secret) else self._mark(secret)

    @cached_property
    def _known_headers(self) -> dict[Pair, Pair]:
        return {}

    @cached_property
    def _plain_forms(self) -> frozenset[bytes]:
        forms = {form for secret in self.also for form in (secret, quote_from_bytes(secret, safe="").encode())}
        texts = {form if _is_utf8(form) else form.decode("latin-1").encode() for form in forms}
        return frozenset(form for form in texts if len(form) >= SHORTEST and form not in MARK.encode())

    @cached_property
    def _header_forms(self) -> frozenset[bytes]:
        """HTTP/2 writes names in lower case."""
        return self._plain_forms | {form.lower() for form in self._plain_forms}

    @cached_property
    def _json_forms(self) -> frozenset[bytes]:
        """As they are written in JSON, and in JSON within JSON, with and without \\u escapes."""
        texts, forms = {form.decode() for form in self._plain_forms}, set[str]()
        for _ in range(2):
            texts = {json.dumps(text, ensure_ascii=escaped)[1:-1] for text in texts for escaped in (False, True)}
            forms |= texts | {_UPPER.sub(lambda m: m[1] + m[2].upper(), text) for text in texts if "\\u" in text}
        return frozenset(form.encode() for form in forms if not _NO_STRING.fullmatch(form.encode()))

    @cached_property
    def _forms(self) -> frozenset[bytes]:
        return self._plain_forms | self._json_forms


def _by_value(values: list[bytes], spans: list[Span]) -> Iterator[list[Span]]:
    """For each of `values` its part of the `spans` in all of them, joined by one byte each."""
    start, first = 0, 0
    for value in values:
        end = start + len(value)
        while first < len(spans) and spans[first][1] <= start:
            first += 1
        mine, at = [], first
        while at < len(spans) and spans[at][0] < end:
            mine.append((max(spans[at][0], start) - start, min(spans[at][1], end) - start))
            at += 1
        yield mine
        start = end + 1


def _is_utf8(b: bytes) -> bool:
    try:
        return bool(b.decode() or True)
    except UnicodeDecodeError:
        return False
