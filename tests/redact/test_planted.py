"""Each kind of planted secret is found, and nothing else."""

import json
import re

import orjson
import pytest

from mitmclaude.redact import MARK, Redactor

from .planted import HARMLESS, IN_CONTEXT, PROVIDERS

PLAIN = Redactor()
SECRET = re.compile("«(.*?)»", re.DOTALL)


@pytest.mark.parametrize("secret", PROVIDERS.values(), ids=PROVIDERS)
def test_shapes_of_providers(secret: str) -> None:
    """By their shape alone, in prose, in code, in JSON, at the very beginning and end."""
    for before, after in [
        ("", ""),
        ("it is ", ", keep it"),
        ("X='", "'"),
        ('{"a": "', '"}'),
        ("x\n", "\ny"),
        ("(", ")"),
    ]:
        text = before + secret + after
        assert PLAIN.text(text) == before + MARK + after
        assert PLAIN.raw(orjson.dumps([text])) == orjson.dumps([before + MARK + after])
        assert not PLAIN.is_clean(text.encode())


@pytest.mark.parametrize("text", IN_CONTEXT.values(), ids=IN_CONTEXT)
def test_what_stands_around(text: str) -> None:
    """A password of any letters goes where its place gives it away, also in JSON and in JSON within JSON."""
    plain, wanted = SECRET.sub(r"\1", text), SECRET.sub(MARK, text)
    assert PLAIN.text(plain) == wanted
    assert PLAIN.raw(plain.encode()) == wanted.encode()
    assert orjson.loads(PLAIN.raw(orjson.dumps([plain]))) == [wanted]
    nested = json.dumps([json.dumps({"x": plain})])
    assert json.loads(json.loads(PLAIN.raw(nested.encode()))[0]) == {"x": wanted}
    assert not PLAIN.is_clean(plain.encode())


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_like_it(text: str) -> None:
    """Prose, code and placeholders stay."""
    assert PLAIN.text(text) == text
    assert PLAIN.is_clean(text.encode())
    assert PLAIN.is_clean(orjson.dumps([text]))
