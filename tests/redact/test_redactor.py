"""No credential stays; everything else does. All secrets here are fake and put together at run time."""

import base64
import copy
import hmac
import json
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitmclaude.redact import MARK, Redactor, credentials

FIXTURES = Path(__file__).parents[1] / "fixtures"
PLAIN = Redactor()
KEY = b"fingerprint key"
ANT = "sk-ant-" + "api03-" + "A" * 40
CAPTURE = "team-capture-" + "word-without-shape"


def fingerprint(secret: str) -> str:
    return f"[redacted:{hmac.digest(KEY, secret.encode(), 'sha256').hex()[:12]}]"


B62 = "aB3" * 16
JWT = "eyJ" + "hbGci0iJ9" + ".eyJ" + "zdWIiOi" + "." + "c2ln" * 5
PEM_LINES = ["-----BEGIN " + "RSA PRIVATE KEY-----", *["MIIE" + "fAk3" * 15] * 3, "-----END " + "RSA PRIVATE KEY-----"]

SHAPES = {
    "anthropic": ANT,
    "anthropic-oauth": "sk-ant-" + "oat01-" + B62 + "_-" + B62,
    "anthropic-session": "sk-ant-" + "sid01-" + B62,
    "openai": "sk-" + B62,
    "openai-project": "sk-" + "proj-" + B62 + "_" + B62,
    "openrouter": "sk-" + "or-v1-" + "0a1b" * 16,
    "langfuse": "sk-" + "lf-" + "12345678-1234-1234-1234-123456789abc",
    "google": "AI" + "za" + "Sy" + B62[:33],
    "google-oauth": "GOCSPX" + "-" + B62[:28],
    "aws-id": "AK" + "IA" + "FAKE" * 4,
    "aws-temporary-id": "AS" + "IA" + "FAK3" * 4,
    "github": "ghp" + "_" + B62[:36],
    "github-oauth": "gho" + "_" + B62[:36],
    "github-user": "ghu" + "_" + B62[:36],
    "github-server": "ghs" + "_" + B62[:36],
    "github-refresh": "ghr" + "_" + B62 + B62,
    "github-fine": "github" + "_pat_" + B62[:22] + "_" + B62,
    "gitlab": "glpat" + "-" + B62[:20],
    "slack-bot": "xoxb" + "-123456789012-123456789012-" + B62[:24],
    "slack-user": "xoxp" + "-123456789012-123456789012-" + B62[:24],
    "slack-app": "xapp" + "-1-A123-456-" + B62,
    "stripe": "sk" + "_live_" + B62[:24],
    "stripe-restricted": "rk" + "_live_" + B62[:24],
    "stripe-webhook": "whsec" + "_" + B62[:32],
    "npm": "npm" + "_" + B62[:36],
    "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + B62,
    "hugging-face": "hf" + "_" + B62[:34],
    "groq": "gsk" + "_" + B62 + B62[:4],
    "docker": "dckr" + "_pat_" + B62[:27],
    "sendgrid": "SG" + "." + B62[:22] + "." + B62[:43],
    "entra": "abc" + "8Q~" + B62[:34],
    "jwt": JWT,
    "jwe": JWT + ".abcd.efgh",
}

shapes = pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES)


@shapes
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("the key is ", ", keep it"),
        ("export X='", "'"),
        ('{"a":"', '"}'),
        ("line\n", "\nline"),
        ("(", ")"),
        ("é", "é"),
        ("\x00", "\x00"),
    ],
    ids=["alone", "prose", "shell", "json", "lines", "brackets", "umlaut", "nul"],
)
def test_known_shapes_are_blanked(secret: str, before: str, after: str) -> None:
    """Every known shape goes wherever it stands, and only it goes."""
    text = before + secret + after
    assert PLAIN.text(text) == before + MARK + after
    assert PLAIN.raw(text.encode()) == (before + MARK + after).encode()
    assert PLAIN.value({"k": [text]}) == {"k": [before + MARK + after]}
    assert PLAIN.value({text: 1}) == {before + MARK + after: 1}


@shapes
@pytest.mark.parametrize("escape", [r"\n", r"\t", r"\r", r"\\n", r"\"", r"\u000a", r"\/", r"\\\\", r"\\\""])
def test_shapes_behind_a_json_escape(secret: str, escape: str) -> None:
    """The n of a newline escape is no letter of the word that follows, and never lost with it."""
    raw = f'{{"content":"x{escape}{secret} {escape}y"}}'.encode()
    redacted = PLAIN.raw(raw)
    assert redacted == f'{{"content":"x{escape}{MARK} {escape}y"}}'.encode()
    orjson.loads(redacted)


@pytest.mark.parametrize(
    ("raw", "redacted"),
    [
        ('"' + "\\npm" + "_" + B62[:36] + '"', f'"\\n{MARK}"'),
        ('"\\u000dckr' + "_pat_" + B62[:27] + '"', f'"\\u000d{MARK}"'),
        ('"\\u000AKIA' + "FAKE" * 4 + '"', '"\\u000AKIA' + "FAKE" * 4 + '"'),
    ],
    ids=["n-pm", "u000d-ckr", "u000A-KIA"],
)
def test_an_escape_is_never_cut(raw: str, redacted: str) -> None:
    """What looks like a secret only because an escape ends in its first letter leaves JSON that parses."""
    assert PLAIN.raw(raw.encode()) == redacted.encode()
    assert orjson.loads(redacted)


IN_CONTEXT = {
    "env": ("DB_PASSWORD=«hunter2x»\n", True),
    "env-quoted": ('export API_KEY="«abcdefgh12345»"', True),
    "aws": ("aws_secret_access_key = «wJalrFAKE/K7MDENG/bPxRfiCYEXAMPLEKEY0000»\n", True),
    "aws-slash": ("aws_secret_access_key = «/JalrFAKE/K7MDENG/bPxRfiCYEXAMPLEKEY0000»\n", True),
    "aws-json": ('{"SecretAccessKey": "«wJalrFAKE/K7MDENG/bPxRfiCYEXAMPLEKEY0000»"}', True),
    "aws-session": ("AWS_SESSION_TOKEN=«IQoJb3JpZ2luX2VjFAKE//////////wEaCXVzLWVhc3QtMSJH==»", True),
    "aws-session-json": ('"SessionToken":"«IQoJb3JpZ2luX2VjFAKE//////////wEaCXVzLWVhc3Q»"', True),
    "nested-json": (r'{"input":"{\"password\": \"«hunter2x»\"}"}', True),
    "nested-twice": (r'{"a":"{\"b\":\"{\\\"api_key\\\":\\\"«abcd1234»\\\"}\"}"}', True),
    "yaml": ("client_secret: «8f3a9b2c7d1e»\n", True),
    "python": ("password = '«hunter2x»'", True),
    "typescript": ("const apiKey: string = x; apiKey = `«abcd1234»`", True),
    "go": ('token := "«abcd1234»"', True),
    "ruby": ('"secret_key" => "«abcd1234»"', True),
    "django": ("SECRET_KEY_BASE=«abcd1234abcd»", True),
    "option": ("tool --api-key «abcd1234abcd» --force", True),
    "azure": ("EndpointSuffix=core;AccountKey=«" + "aB3/" * 21 + "aA==»;Blob", True),
    "sas": ("https://a.blob.core/x?sv=1&sig=«aBcDeFgHiJkLmNoPqRsT%2FuVw%3D»&se=2", True),
    "sas-json": (r'"?sv=1\u0026sig=«aBcDeFgHiJkLmNoPqRsTuVw%3D»"', True),
    "presigned": ("https://b.s3/x?X-Amz-Signature=«" + "0a1b" * 16 + "»&x=1", True),
    "header": ("x-api-key: «abc123def456»\n", True),
    "bearer": ("curl -H 'Authorization: Bearer «abcdef123456»' https://x", True),
    "bearer-letters": ("Authorization: bearer «AbcdefghijklmnopqrstuvwX»", True),
    "basic": ('-H "Authorization: Basic «' + base64.b64encode(b"user:pass").decode() + '»"', True),
    "postgres": ("postgres://user:«p%40ss,w0rd»@db.example/x", True),
    "redis": ("redis://:«pw»@cache:6379/0", True),
    "git": ("https://oauth2:«somepassword»@git.example/x.git", True),
    "slack-hook": ("https://«hooks.slac" + "k.com/services/T00000000/B00000000/" + "X" * 24 + "»", True),
    "call": ("password = get_password1()", False),
    "attribute": ("token = self.config.token2", False),
    "environment": ('api_key = os.environ["OPENAI_KEY_1"]', False),
    "process": ("apiKey: process.env.OPENAI_KEY_1,", False),
    "variable": ("password=password1", False),
    "template": ('password: "${DB_PASSWORD_1}"', False),
    "shell-variable": ('PASSWORD="$PASSWORD_12" TOKEN=$(cat /run/x1)', False),
    "placeholder": ("API_KEY=<your-key-12345678>", False),
    "path": ("PWD=/home/user1/project token=/run/secrets/x1", False),
    "url": ('token_url = "https://x.example/1234"; token = "https://x.example/12345"', False),
    "type": ("private_key: Ed25519PrivateKey | None, token: Token2Type", False),
    "counts": ('{"max_tokens":12345678,"token":12345678901,"input_tokens":98765432}', False),
    "page": ('"next_page_token":"abcdefgh12345678"', False),
    "prose": ("the password must have 8 characters; a Bearer authentication-scheme, Basic understanding", False),
    "sentence": ('"password": "at least 8 characters long please1"', False),
    "comparison": ("if monkey = 'abcd1234'", False),
    "ssh": ("git@github.com:org/repo.git https://x.example:443/@user", False),
    "url-template": ("postgres://user:${PASSWORD}@host/db", False),
    "pem-mention": ("grep -e '-----BEGIN " + "PRIVATE KEY-----' and then words follow here", False),
    "words": ("task-management-system risk-assessment-of-long-names ask_test_x sk-learn", False),
}


@pytest.mark.parametrize(("text", "is_secret"), IN_CONTEXT.values(), ids=IN_CONTEXT)
def test_what_stands_around_tells(text: str, is_secret: bool) -> None:
    """A literal value at a telling name is blanked, between the « », and ordinary source code is not."""
    assert ("«" in text) == is_secret
    before, _, rest = text.partition("«")
    secret, _, after = rest.partition("»")
    expected = before + (MARK if is_secret else "") + after
    plain = before + secret + after
    assert PLAIN.text(plain) == expected
    assert PLAIN.raw(plain.encode()) == expected.encode()
    assert orjson.loads(PLAIN.raw(orjson.dumps([plain]))) == [expected]
    keyed = before + (fingerprint(secret) if is_secret else "") + after
    assert Redactor(key=KEY).text(plain) == keyed


@pytest.mark.parametrize("end", range(1, 6), ids=lambda n: f"{n}-lines")
@pytest.mark.parametrize(
    "newline",
    ["\n", "\r\n", "\\n", "\\\\n", "\n    ", "\\n     7\\t", " "],
    ids=["lf", "crlf", "j", "jj", "yaml", "n", "env"],
)
def test_private_keys(newline: str, end: int) -> None:
    """A PEM private key goes, in any kind of line, also one that was cut."""
    pem = newline.join(PEM_LINES[:end])
    redacted = PLAIN.text(f"x {pem}, y")
    assert redacted == (f"x {MARK}, y" if end > 1 else f"x {pem}, y")


def test_private_key_with_headers() -> None:
    """Encrypted keys have headers between their first line and the base64."""
    pem = "\n".join([PEM_LINES[0], "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123", "", *PEM_LINES[1:]])
    assert PLAIN.text(f"{pem}\nend") == f"{MARK}\nend"
    assert PLAIN.raw(orjson.dumps([pem])) == f'["{MARK}"]'.encode()


BODIES = sorted(p for p in (FIXTURES / "requests").glob("*.json") if not p.name.endswith(".meta.json"))
BODIES += sorted((FIXTURES / "responses").iterdir())


@pytest.mark.parametrize("path", BODIES, ids=lambda p: p.name)
def test_captured_traffic_has_no_secrets(path: Path) -> None:
    """No false positive on real traffic: the very same bytes come back, from raw and from sse."""
    body = path.read_bytes()
    assert PLAIN.raw(body) is body
    assert PLAIN.sse(body) is body


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(bytes(range(256)) * 200).decode(),
        base64.urlsafe_b64encode(bytes(range(256)) * 200).decode(),
        "toolu_01" + "AbCdEfGhJkMnPqRsTuVwXy",
        "req_011CSHoEeqs5C35K2UUqR7Fy msg_01XFDUDYJgAACzvnptvVoYEL",
        "550e8400-e29b-41d4-a716-446655440000",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "claude-opus-4-5-20251101 interleaved-thinking-2025-05-14 thinking-token-count-2026-05-13",
        "EqQBCgIYAhIkFAKESIGNATURE" + "A" * 400 + "==",
        "/usr/lib/python3.13/site-packages/some_package/some_module_with_long_name.py",
        "test_a_function_with_a_very_long_snake_case_name_2024",
    ],
    ids=["base64", "base64url", "tool", "ids", "uuid", "sha256", "betas", "signature", "path", "snake"],
)
def test_identifiers_are_no_secrets(text: str) -> None:
    """What only looks random stays."""
    assert PLAIN.text(text) == text
    assert PLAIN.raw(orjson.dumps({"data": text})) == orjson.dumps({"data": text})


# --- headers ---


@pytest.mark.parametrize(
    ("name", "value", "redacted"),
    [
        ("Authorization", f"Bearer {ANT}", f"Bearer {MARK}"),
        ("authorization", "Basic dXNlcjpwYXNz", f"Basic {MARK}"),
        ("authorization", "unknown scheme", MARK),
        ("Proxy-Authorization", "Basic x", f"Basic {MARK}"),
        ("x-api-key", "k", MARK),
        ("API-KEY", "k", MARK),
        ("x-goog-api-key", "k", MARK),
        ("ocp-apim-subscription-key", "k", MARK),
        ("x-capture-token", CAPTURE, MARK),
        ("cookie", "a=1; b=2", MARK),
        ("Set-Cookie", "a=1; HttpOnly", MARK),
        ("x-amz-security-token", "t", MARK),
        ("cf-access-client-secret", "s", MARK),
        ("x-hub-signature-256", "sha256=1", MARK),
        ("x-auth", "a", MARK),
        ("x-session-token", "a", MARK),
        ("private-key", "a", MARK),
        ("x-password", "a", MARK),
        ("x-amz-credential", "a", MARK),
        ("x-key", "a", MARK),
        ("x-litellm-key", "a", MARK),
        ("x-bf-vk", "a", MARK),
        ("x-session", "a", MARK),
        ("x-pass", "a", MARK),
        ("x-portkey-virtual-key", "a", MARK),
        ("x-session-id", "a1985f7f-b6e1-4285-8502-ee57406387ac", None),
        ("x-idempotency-key", "a1985f7f-b6e1-4285-8502-ee57406387ac", None),
        ("idempotency-key", "a1985f7f-b6e1-4285-8502-ee57406387ac", None),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==", None),
        ("x-keyboard", "a", None),
        ("x-bypass", "a", None),
        ("x-api-key", "", ""),
        ("x-claude-code-session-id", "a1985f7f-b6e1-4285-8502-ee57406387ac", None),
        ("anthropic-version", "2023-06-01", None),
        ("anthropic-beta", "claude-code-20250219,thinking-token-count-2026-05-13", None),
        ("anthropic-ratelimit-tokens-remaining", "12000", None),
        ("anthropic-ratelimit-input-tokens-remaining", "12000", None),
        ("x-ratelimit-limit-tokens", "12000", None),
        ("anthropic-organization-id", "550e8400-e29b-41d4-a716-446655440000", None),
        ("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy", None),
        ("x-stainless-retry-count", "0", None),
        (":authority", "api.anthropic.com", None),
        ("www-authenticate", 'Bearer realm="x"', None),
        ("access-control-allow-credentials", "true", None),
        ("x-author", "someone", None),
        ("user-agent", f"tool/1 ({ANT})", f"tool/1 ({MARK})"),
        ("referer", "https://u:pw@h/x", f"https://u:{MARK}@h/x"),
        ("x-custom", f"Bearer {JWT}", f"Bearer {MARK}"),
    ],
)
def test_headers(name: str, value: str, redacted: str | None) -> None:
    """Credential headers keep their scheme, other headers lose secrets only."""
    wanted = value if redacted is None else redacted
    assert PLAIN.headers([(name.encode(), value.encode())]) == ((name.encode(), wanted.encode()),)


def test_header_names_that_hold_a_credential() -> None:
    """A client that writes its key where the name belongs: known shapes, and those of this request in lower case."""
    redactor = Redactor(also=frozenset({b"Team-Capture-Word"}))
    pairs = [(ANT.encode(), b"1"), (b"bearer " + JWT.encode(), b"x"), (b"x-team-capture-word-a", b"x"), (b"x", b"y")]
    mark = MARK.encode()
    assert redactor.headers(pairs) == (
        (mark, b"1"),
        (b"bearer " + mark, b"x"),
        (b"x-" + mark + b"-a", b"x"),
        (b"x", b"y"),
    )


def test_headers_keep_order_and_duplicates() -> None:
    """The shape of a header list says something too."""
    pairs = [(b"Set-Cookie", b"a=1"), (b"x", b"1"), (b"set-cookie", b"b=2"), (b"x", b"1"), (b"x-raw", b"\xff\x00")]
    mark = MARK.encode()
    wanted = ((b"Set-Cookie", mark), (b"x", b"1"), (b"set-cookie", mark), (b"x", b"1"), (b"x-raw", b"\xff\x00"))
    assert PLAIN.headers(iter(pairs)) == wanted


def test_fingerprints_tell_that_two_calls_share_a_credential() -> None:
    """With a key the same credential has the same mark in every place, and another key gives another one."""
    redactor = Redactor(key=KEY)
    wanted = fingerprint(ANT)
    pairs = [(b"authorization", b"Bearer " + ANT.encode()), (b"x-api-key", ANT.encode())]
    assert [value for _, value in redactor.headers(pairs)] == [b"Bearer " + wanted.encode(), wanted.encode()]
    assert redactor.text(f"key {ANT}.") == f"key {wanted}."
    assert redactor.target(f"/x?key={ANT}") == f"/x?key={wanted}"
    assert Redactor(key=b"other").text(ANT) not in (wanted, MARK)
    assert KEY.decode() not in repr(redactor)


# --- targets ---


@pytest.mark.parametrize(
    ("target", "redacted"),
    [
        ("/v1/messages?beta=true", None),
        ("/v1/models?limit=1000&after_id=claude-opus-4-5", None),
        ("/x?a=%20%2f+b&&c&d=;=&a=1#frag", None),
        ("*", None),
        ("api.example:443", None),
        ("/x?max_tokens=100&input_tokens=2", None),
        ("/x?key=abc&b=%41", f"/x?key={MARK}&b=%41"),
        ("/x?api_key=a&api_key=b&c=d", f"/x?api_key={MARK}&api_key={MARK}&c=d"),
        ("/x?apikey=a;token=b", f"/x?apikey={MARK};token={MARK}"),
        ("/x?ACCESS_TOKEN=a#t", f"/x?ACCESS_TOKEN={MARK}#t"),
        ("/x?%74oken=a&api%5Fkey=b", f"/x?%74oken={MARK}&api%5Fkey={MARK}"),
        ("/x?code=a&sig=b&signature=c&password=d&secret=e&auth=f", None),
        (
            "/x?X-Amz-Credential=a%2Fb&X-Amz-Signature=c&X-Amz-Security-Token=d&X-Amz-Date=20260101",
            f"/x?X-Amz-Credential={MARK}&X-Amz-Signature={MARK}&X-Amz-Security-Token={MARK}&X-Amz-Date=20260101",
        ),
        ("/x?token=&b=1", "/x?token=&b=1"),
        ("https://user:pw@host/x?b=1", f"https://{MARK}@host/x?b=1"),
        ("https://host/@user:x", None),
        (f"/{ANT}/x", f"/{MARK}/x"),
        (f"/x?q={ANT}", f"/x?q={MARK}"),
        ("/x?q=sk%2Dant%2Dapi03%2D" + "A" * 40 + "&b=1", f"/x?q={MARK}&b=1"),
        ("/p/%73k-ant-api03-" + "A" * 40 + "/x%20y", f"/p/{MARK}/x%20y"),
        ("/x?to=https%3A%2F%2Fu%3Apw%40host%2F", f"/x?to={MARK}"),
        ("/x?to=https%253A%252F%252Fu%253Apw%2540host", f"/x?to={MARK}"),
    ],
)
def test_targets(target: str, redacted: str | None) -> None:
    """Credential parameters and secrets go, everything else stays byte for byte; str and bytes alike."""
    if target.startswith("/x?code"):
        redacted = "/x?" + "&".join(
            f"{name}={MARK}" for name in ("code", "sig", "signature", "password", "secret", "auth")
        )
    wanted = target if redacted is None else redacted
    assert PLAIN.target(target) == wanted
    assert PLAIN.target(target.encode()) == wanted.encode()
    assert PLAIN.target(wanted) == wanted


# --- the credentials of the very request ---


def test_credentials_of_a_request() -> None:
    """Bare values: no scheme, Basic also decoded, long cookie values, query values also decoded; short ones left out."""
    userinfo = b"user:correct horse"
    found = credentials(
        [
            (b"Authorization", b"Bearer " + CAPTURE.encode()),
            (b"Proxy-Authorization", b"Basic " + base64.b64encode(userinfo)),
            (b"x-api-key", b"short"),
            (b"Cookie", b'theme=dark; sid="0123456789abcdef"'),
            (b"user-agent", b"not a credential"),
            (b"x-auth-token", MARK.encode()),
        ],
        "https://u:proxy%20password@h/x?key=query%2Fvalue1&limit=100000000",
    )
    assert found == {
        CAPTURE.encode(),
        base64.b64encode(userinfo),
        userinfo,
        b"correct horse",
        b"0123456789abcdef",
        b"proxy%20password",
        b"proxy password",
        b"query%2Fvalue1",
        b"query/value1",
    }


def test_credentials_of_this_request_are_blanked_everywhere() -> None:
    """A credential that no pattern knows is found by its value: in bodies, targets, other headers, values, deltas."""
    redactor = Redactor(also=credentials([(b"x-capture-token", CAPTURE.encode())]))
    assert CAPTURE not in repr(redactor)
    assert redactor.text(f"<{CAPTURE}>") == f"<{MARK}>"
    assert redactor.raw(f'{{"a":"\\n{CAPTURE}"}}'.encode()) == f'{{"a":"\\n{MARK}"}}'.encode()
    assert redactor.target(f"/{CAPTURE}?q={CAPTURE}") == f"/{MARK}?q={MARK}"
    assert redactor.headers([(b"x-trace", CAPTURE.encode())]) == ((b"x-trace", MARK.encode()),)
    assert redactor.value([CAPTURE]) == [MARK]
    assert CAPTURE not in joined(redactor.sse(stream([CAPTURE[:5], CAPTURE[5:9], CAPTURE[9:]])))


@pytest.mark.parametrize(
    "secret", ['pass"word\\with', "pass word/&%", "pässwörd-x", "line\nbreak", "\x01\x02control"], ids=str.isascii
)
def test_credentials_are_found_in_their_escaped_forms(secret: str) -> None:
    """JSON escapes, both kinds, and percent-encoding do not hide a credential of this request."""
    redactor = Redactor(also=frozenset({secret.encode()}))
    for ascii_only in (False, True):
        body = json.dumps({"a": f"x{secret}y"}, ensure_ascii=ascii_only).encode()
        assert orjson.loads(redactor.raw(body)) == {"a": f"x{MARK}y"}
    assert redactor.value([f"x{secret}y"]) == [f"x{MARK}y"]
    if secret.isascii() and secret.isprintable():
        quoted = "".join(f"%{ord(c):02X}" for c in secret)
        assert redactor.target(f"/x?q={quoted}") == f"/x?q={MARK}"


@pytest.mark.parametrize("secret", ["12345678", "[1,2,3,4]", '","a":"b', "false,12", "redacted", "[redacted]"])
def test_credentials_that_could_be_json_do_not_break_it(secret: str) -> None:
    """A credential that reads as JSON outside strings is left alone there."""
    redactor = Redactor(also=frozenset({secret.encode()}))
    body = b'{"n":12345678,"l":[1,2,3,4],"x":"y","a":"b","m":[false,12],"k":"redacted [redacted]"}'
    assert orjson.loads(redactor.raw(body)) == orjson.loads(body)


# --- values ---


def test_value_is_a_copy_that_shares_what_is_clean() -> None:
    """Nothing to blank: the very same object. Else a copy, the argument untouched, scalars and order kept."""
    clean: dict[str, Any] = {"a": [1, 2.5, None, True, "x"], "big": 2**70}
    assert PLAIN.value(clean["a"]) is clean["a"]
    assert PLAIN.value(clean) == clean
    v = {"z": {"t": ANT, "n": [1, {"m": ANT}]}, "a": 2**70, ANT: None}
    before = copy.deepcopy(v)
    assert PLAIN.value(v) == {"z": {"t": MARK, "n": [1, {"m": MARK}]}, "a": 2**70, MARK: None}
    assert list(PLAIN.value(v)) == ["z", "a", MARK]
    assert v == before


def test_value_knows_a_secret_by_its_key() -> None:
    """`{"password": …}` is as telling in a value as in its text."""
    v: dict[str, Any] = {
        "input": {"password": "hunter2x", "note": "hunter2x", "api_key": ["abcd1234"]},
        "max_tokens": 5,
    }
    assert PLAIN.value(v) == orjson.loads(PLAIN.raw(orjson.dumps(v)))
    assert PLAIN.value(v)["input"]["password"] == MARK


@pytest.mark.parametrize("depth", [200, 1024, 5000])
def test_value_goes_deep(depth: int) -> None:
    """Nesting that a parser accepts is no recursion error here."""
    v: Any = ANT
    for n in range(depth):
        v = [v] if n % 2 else {"k": v}
    redacted = PLAIN.value(v)
    for _ in range(depth):
        redacted = next(iter(redacted.values())) if isinstance(redacted, dict) else redacted[0]
    assert redacted == MARK


def test_lone_surrogates_are_kept() -> None:
    """JSON may hold half a pair; Python strings too."""
    assert PLAIN.text(f"\ud83d {ANT} \ude00") == f"\ud83d {MARK} \ude00"
    assert PLAIN.value({"\ud83d": ["\ude00" + ANT]}) == {"\ud83d": ["\ude00" + MARK]}


# --- event streams ---

FIELDS = {"text": "text_delta", "partial_json": "input_json_delta", "thinking": "thinking_delta"}


def event(index: int, text: str, name: str = "text") -> bytes:
    delta = {"type": FIELDS[name], name: text}
    body = orjson.dumps({"type": "content_block_delta", "index": index, "delta": delta})
    return b"event: content_block_delta\ndata: " + body + b"\n\n"


def stream(pieces: list[str], name: str = "text", index: int = 0) -> bytes:
    return b'event: ping\ndata: {"type": "ping"}\n\n' + b"".join(event(index, piece, name) for piece in pieces)


def joined(sse: bytes, name: str = "text", index: int = 0) -> str:
    events = [orjson.loads(line[6:]) for line in sse.split(b"\n") if line.startswith(b"data: ")]
    return "".join(e["delta"][name] for e in events if e.get("index") == index and name in e["delta"])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.sampled_from(sorted(FIELDS)), st.data())
def test_a_secret_split_over_deltas(shape: str, name: str, data: st.DataObject) -> None:
    """Wherever the deltas split, the joined text has one mark; untouched events stay byte for byte."""
    text = f"Grüße: {SHAPES[shape]} 🤖 {SHAPES[shape]}, end"
    if name == "partial_json":
        text = orjson.dumps({"k": text + "\n" + SHAPES[shape]}).decode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)) | {0, len(text)})
    pieces = [text[a:b] for a, b in pairwise(cuts)]
    sse = stream(pieces, name)
    redacted = PLAIN.sse(sse)
    assert joined(redacted, name) == text.replace(SHAPES[shape], MARK)
    assert redacted.count(b"\n") == sse.count(b"\n")
    assert redacted.startswith(b'event: ping\ndata: {"type": "ping"}\n\n')
    assert PLAIN.sse(redacted) == redacted


def test_blocks_and_fields_are_joined_apart() -> None:
    """Interleaved blocks do not hide a secret, and two harmless halves in different blocks make none."""
    halves = [ANT[:12], ANT[12:]]
    sse = event(0, halves[0]) + event(1, "x") + event(0, halves[1]) + event(2, halves[0]) + event(3, halves[1])
    redacted = PLAIN.sse(sse)
    assert joined(redacted) == MARK
    assert redacted.endswith(event(2, halves[0]) + event(3, halves[1]))
    assert event(1, "x") in redacted


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_sse_line_ends(newline: bytes) -> None:
    """All three line ends of the standard, a data line without a space, a cut last event."""
    sse = stream([ANT[:9], ANT[9:20], ANT[20:]]).replace(b"data: ", b"data:") + b'data: {"type":"content_blo'
    redacted = PLAIN.sse(sse.replace(b"\n", newline))
    assert joined(redacted.replace(newline, b"\n").replace(b"data:", b"data: ").rpartition(b"data:")[0]) == MARK


def test_sse_starts_of_blocks_count() -> None:
    """The text that a block starts with precedes its deltas."""
    start = b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"sk-"}}\n\n'
    redacted = PLAIN.sse(start + event(0, ANT[3:]))
    assert b"AAAA" not in redacted
    assert MARK.encode() in redacted


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"data: ", b"{", b'"content_block', b'"delta":', b"[]", b"}", b"\n", b"\r", ANT.encode()])
    )
)
def test_sse_never_raises(parts: list[bytes]) -> None:
    """Anything may come as an event stream."""
    assert ANT.encode() not in PLAIN.sse(b"".join(parts))


@pytest.mark.parametrize(
    "body",
    [
        {"type": "content_block_delta", "index": [], "delta": {"text": ANT}},
        {"type": "content_block_delta", "index": {}, "delta": {"text": ANT}},
        {"type": "content_block_delta", "delta": None, "x": ANT},
        {"type": "content_block_delta", "delta": {"text": 5, "thinking": [ANT]}},
        {"type": "content_block_start", "content_block": [ANT]},
    ],
    ids=["list-index", "dict-index", "no-delta", "no-text", "list-block"],
)
def test_odd_events(body: dict[str, Any]) -> None:
    """Events of another shape are still redacted."""
    assert ANT.encode() not in PLAIN.sse(b"data: " + orjson.dumps(body) + b"\n\n")


# --- properties ---

FRAGMENTS = [
    *(secret[:n] for secret in SHAPES.values() for n in (6, 30, 400)),
    *(text.replace("«", "").replace("»", "") for text, _ in IN_CONTEXT.values()),
    *('"', "'", "\\", "\n", "\t", "é", "🤖", " ", ",", ":", "=", "{", "}", "[", "]", "-", "_", "a", "1", "@", "//"),
    *("\\".join(PEM_LINES), "\n".join(PEM_LINES), "password", "token", "Bearer ", "api_key", MARK, CAPTURE, "\x00"),
]
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=8).map("".join)
values = st.recursive(
    texts | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
redactors = st.builds(
    Redactor,
    key=st.sampled_from([None, KEY]),
    also=st.frozensets(
        st.sampled_from([CAPTURE.encode(), b'q"uote\\d pw', b"12345678", b"password", b"\xff\xfe12345678"])
    ),
)


def shape_of(v: Any) -> Any:
    if isinstance(v, dict):
        return [shape_of(item) for item in v.values()]
    if isinstance(v, list):
        return [shape_of(item) for item in v]
    return str if isinstance(v, str) else v


@settings(max_examples=600, deadline=None)
@given(redactors, values, st.booleans(), st.booleans())
def test_json_stays_json(redactor: Redactor, v: Any, ascii_only: bool, spaced: bool) -> None:
    """Whatever is blanked, a body that parsed still parses, and only its strings have changed."""
    separators = (", ", ": ") if spaced else (",", ":")
    body = json.dumps(v, ensure_ascii=ascii_only, separators=separators).encode("utf-8", "surrogatepass")
    redacted = json.loads(redactor.raw(body), object_pairs_hook=lambda pairs: [item for _, item in pairs])
    assert shape_of(redacted) == shape_of(json.loads(body, object_pairs_hook=lambda pairs: [item for _, item in pairs]))


@settings(max_examples=600, deadline=None)
@given(redactors, texts)
def test_redacting_twice_is_redacting_once(redactor: Redactor, text: str) -> None:
    """A mark is never taken for a secret."""
    once = redactor.text(text)
    assert redactor.text(once) == once
    raw = redactor.raw(text.encode("utf-8", "surrogatepass"))
    assert redactor.raw(raw) == raw
    target = redactor.target("/" + text)
    assert redactor.target(target) == target


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    """Nothing raises, whatever comes; bytes without a secret come back as they are."""
    for redacted in (PLAIN.raw(body), PLAIN.sse(body), PLAIN.target(body)):
        assert isinstance(redacted, bytes)
    PLAIN.headers([(body, body)])
    credentials([(b"authorization", b"Basic " + body), (b"cookie", body)], body)


# --- clean bodies ---


@settings(max_examples=600, deadline=None)
@given(redactors, values, st.booleans())
def test_clean_is_what_nothing_changes(redactor: Redactor, v: Any, ascii_only: bool) -> None:
    """A clean body comes back as the very same object, and so does the value in it; any other changes.

    But for a credential that reads as JSON outside of strings: raw bodies keep it, values do not, so they are not clean.
    """
    body = json.dumps(v, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    is_clean = redactor.is_clean(body)
    is_kept = redactor.raw(body) is body and redactor.sse(body) is body
    assert is_kept >= is_clean
    if is_clean:
        assert redactor.value(v) == v
    elif b"12345678" not in redactor.also:
        assert not is_kept


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.sampled_from(sorted(FIELDS)), st.integers(1, 30), st.booleans())
def test_a_stream_with_a_spread_secret_is_not_clean(shape: str, name: str, size: int, has_secret: bool) -> None:
    """With and without the joined texts at hand."""
    text = f"Grüße: {SHAPES[shape] if has_secret else 'none'}, end"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    sse = stream(pieces, name)
    assert PLAIN.is_clean(sse) is not has_secret
    assert PLAIN.is_clean(sse, [text.encode()]) is not has_secret


def test_a_redactor_can_be_sent_to_another_process() -> None:
    """Pickled before or after its first use, it blanks the same."""
    redactor = Redactor(key=KEY, also=frozenset({CAPTURE.encode()}))
    for _ in range(2):
        copied = pickle.loads(pickle.dumps(redactor))  # noqa: S301
        assert copied == redactor
        assert (
            copied.text(f"{CAPTURE} {ANT}")
            == redactor.text(f"{CAPTURE} {ANT}")
            == f"{fingerprint(CAPTURE)} {fingerprint(ANT)}"
        )
