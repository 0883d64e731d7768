"""Hyperscan and plain expressions find the same, in linear time, from any thread."""

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitmclaude.redact import Redactor, literals
from mitmclaude.redact.finder import find
from mitmclaude.redact.literals import RULES, hits
from mitmclaude.redact.rule import Rule

from .planted import HARMLESS, IN_CONTEXT, PROVIDERS

FIXTURES = Path(__file__).parents[1] / "fixtures"
PACKAGE = Path(__file__).parents[2] / "addons" / "mitmclaude"
TEXTS = [*PROVIDERS.values(), *IN_CONTEXT.values(), *HARMLESS.values()]
LITERALS = sorted({literal.decode() for rule in RULES for literal in rule.literals})
GLUE = ["", " ", "\n", '"', "\\n", "\\u002B", "\\/", "=", ": ", "a", "_", "-", "é", "\x00", "%41"]


def by_search(b: bytes) -> list[tuple[int, int]]:
    """The hits as a reader of the rules would find them: each literal by itself, in lower case where case is nothing."""
    found = set()
    for number, rule in enumerate(RULES):
        text = b.lower() if rule.caseless else b
        for literal in rule.literals:
            at = text.find(literal)
            while at >= 0:
                found.add((at, number))
                at = text.find(literal, at + 1)
    return sorted(found)


part = st.sampled_from(TEXTS) | st.sampled_from(LITERALS) | st.sampled_from(GLUE) | st.text(max_size=5)
bodies = st.lists(part, max_size=12).map("".join)


@settings(max_examples=500, deadline=None)
@given(bodies, st.sampled_from([str, str.upper, str.title]))
def test_the_engine_finds_what_expressions_find(text: str, case: type[str]) -> None:
    """On texts with planted secrets and with none: the same hits in the same order, the same spans."""
    b = case(text).encode("utf-8", "surrogatepass")
    fast = list(hits(b))
    assert fast == list(hits(b, by_engine=False))
    assert sorted({hit for window in fast for hit in window.at}) == by_search(b)
    literals = (b"planted", b"secret word")
    assert find(b, literals) == find(b, literals, by_engine=False)


def test_the_engine_finds_the_same_in_real_text() -> None:
    """In captured traffic and in our own source, and with a secret planted at any place of it."""
    paths = [*(FIXTURES / "requests").iterdir(), *(FIXTURES / "responses").iterdir(), *PACKAGE.rglob("*.py")]
    choose = random.Random(5)
    for path in paths:
        b = path.read_bytes()
        at = choose.randrange(len(b) + 1)
        planted = b[:at] + choose.choice(TEXTS).encode() + b[at:]
        for body in (b, planted):
            assert list(hits(body)) == list(hits(body, by_engine=False))
            assert find(body) == find(body, by_engine=False)


@pytest.mark.parametrize("text", TEXTS)
def test_a_window_is_as_good_as_the_whole(text: str) -> None:
    """However much stands before and after, what is found is the same."""
    b = text.replace("«", "").replace("»", "").encode()
    alone = find(b" " + b + b" ")
    far = find(b"." * 100_000 + b" " + b + b" " + b"." * 100_000)
    assert far == [(start + 100_000, end + 100_000) for start, end in alone]


@pytest.mark.parametrize("by_engine", [True, False])
@pytest.mark.parametrize("window", [64, 100, 997])
def test_a_large_body_is_scanned_in_windows(by_engine: bool, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies across the edge of one is found, once."""
    b = " ".join(TEXTS).encode()
    wanted = find(b)
    monkeypatch.setattr(literals, "WINDOW", window)
    assert sorted({hit for part in hits(b, by_engine) for hit in part.at}) == by_search(b)
    assert find(b, by_engine=by_engine) == wanted
    secret = PROVIDERS["bedrock"].encode()
    for at in range(window - len(secret) - 2, window + 3):
        before = b"." * at
        body = before + secret + b" " + b"." * window
        assert find(body, by_engine=by_engine) == [(len(before), len(before) + len(secret))]


def test_without_the_engine() -> None:
    """Where Hyperscan cannot be imported, redaction works."""
    secret = PROVIDERS["vault"]
    code = (
        "import sys; sys.modules['hyperscan'] = None\n"
        "from mitmclaude.redact import Redactor\n"
        "from mitmclaude.redact.literals import _engine\n"
        "print(Redactor().text(sys.argv[1]), _engine())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, f"x {secret}"], capture_output=True, text=True, cwd=PACKAGE.parent, check=True
    )
    assert ran.stdout == "x [redacted] None\n"


def test_the_engine_is_imported_when_it_is_needed() -> None:
    """A start does not wait for it."""
    code = "import sys, mitmclaude.redact; print('hyperscan' in sys.modules); mitmclaude.redact.Redactor().is_clean(b'x'); print('hyperscan' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, check=True)
    assert ran.stdout.split() == ["False", "True"]


def test_an_engine_that_does_not_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that it does not know is no reason to fail."""

    def refuses(*_: object, **__: object) -> None:
        raise hyperscan.error("architecture")

    monkeypatch.setattr(hyperscan, "Database", refuses)
    assert literals._engine.__wrapped__() is None


def test_threads_do_not_disturb_each_other() -> None:
    """Scans of many threads at once find each what it would find alone."""
    made = [(" " * n + " ".join(TEXTS[n : n + 9])).encode() * 20 for n in range(0, 60, 3)]
    alone = [find(b) for b in made]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(find, made * 5)) == alone * 5


# --- time ---

HOSTILE = [
    *(literal + tail for literal in ("sk-ant-", "sk-", "eyJ", "AIza", "ghp_", "xoxb-", "SG.", "hvs.", "dp.st.") for tail in ("", "a")),
    *("eyJaaaaaaaa.", "-----BEGIN ", "a", '"', "\\", "-", "_", "=", ":", "://", "://a:b", ":a@", "\\neyJ", "%41eyJ", "~Q~"),
    *("-----BEGIN " + "PRIVATE KEY-----\\n", "-----BEGIN " + "PRIVATE KEY-----", '-----BEGIN PRIVATE KEY-----"\n"'),
    *("token=", 'password:"', "secret ", 'api_key="a1', "bearer ", "bearer\\t", "basic ", "&sig=", "--token ", "\\u0041"),
    *("/%2", "&", "hooks.slack.com/services/", "authorization: token ", "authorization=", "cookie:", "cookie: a=b;", "cookie: a=b; c=d;"),
    *("machine ", "machine a login ", "machine a login b password ", "<password>", "password>", "<" * 7 + "password>a", "define('", "define('A_KEY', '"),
    *("define('KEY", "curl -u ", "curl -u a:", " -u a", "sshpass -p", "sshpass -a -b ", 'auth": "', "_auth=", 'auth\\\\":', "client-key-data: "),
    *("\\/", "\\\\\\/", "\\u005c", "\\u005cu005c", "\\u0022", "\\\\u0022", "\\u000a", "\\u2192", "PASSWORD=a(", "PASSWORD=/a/B1", ":AA", ".atlasv1."),
    *('"' + "A" * 20 + '"', "A" * 20 + "\n", '"\n', "' + '", "key key", "K" * 8 + "EY", "ssword", "passwordpassword"),
]  # fmt: skip


def seconds(body: bytes) -> float:
    redactor = Redactor(also=frozenset({b"a" * 32, b'a"bcdefgh\\'}))
    start = time.process_time()
    redactor.raw(body)
    redactor.target(body[:20_000])
    return time.process_time() - start


def takes_linear_time(body: bytes) -> bool:
    """Whether all of it takes no more than 3 times as long per byte as an eighth of it."""
    for _ in range(3):
        eighth, whole = min(seconds(body[: len(body) // 8]) for _ in range(2)), seconds(body)
        if whole < 24 * max(eighth, 0.002):
            return whole < 3
    return False


@pytest.mark.parametrize("seed", HOSTILE, ids=repr)
def test_time_is_linear(seed: str) -> None:
    """The beginning of a secret over and over."""
    assert takes_linear_time((seed * (300_000 // len(seed))).encode())


@pytest.mark.parametrize("seed", ["a", "A" * 20 + "\n", '"\n"', "\\\\n", "key: a\n", "-"], ids=repr)
@pytest.mark.parametrize(
    "before", ["-----BEGIN " + "PRIVATE KEY-----\n", "curl -u ", "sk-", "password=", 'password="'], ids=repr
)
def test_time_is_linear_after_a_beginning(seed: str, before: str) -> None:
    """One beginning, and then more and more of it."""
    assert takes_linear_time((before + seed * (300_000 // len(seed))).encode())


@pytest.mark.parametrize(
    ("before", "seed", "after"),
    [
        ('password="a(', ").", '!1"'),
        ('password="a<', ">", '!1"'),
        ("password=", "a", "1a1a1"),
        ("password=", "a.", "1!"),
        ("PASSWORD=", "a", "1a1a1("),
        ('password="/A1', "aaa.", '!"'),
        ('password="/A1', "/aaa", '!"'),
        ('password="', "1.", '!"'),
        ("cookie: a=", "b", "; c=1"),
        ("machine ", "a", " login b password c"),
        ("-----BEGIN " + "PRIVATE KEY-----", '" + "', "A" * 64 + '"'),
        ("sk-", "a_", "A"),
        ("eyJ", "a", "."),
    ],
    ids=lambda part: part[:12],
)
def test_time_is_linear_up_to_an_end(before: str, seed: str, after: str) -> None:
    """One long value that is decided by how it ends."""
    assert takes_linear_time((before + seed * (300_000 // len(seed)) + after).encode())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.literals[0].decode())
def test_each_rule_is_linear(rule: Rule) -> None:
    """Its literals over and over, with and without the beginning of a value between them."""
    for between in ("", "a1", '" '):
        seed = "".join(literal.decode() + between for literal in rule.literals[:3])
        assert takes_linear_time((seed * (120_000 // len(seed))).encode()), between
