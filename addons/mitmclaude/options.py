"""The options: one table, parsed once into typed settings.

All of them are strings to mitmproxy: it would drop the whole addon without a word on an int or a bool that it
cannot parse. `CLAUDE_X` in the environment sets the default of `claude_x`.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from mitmclaude import directories
from mitmclaude.schemes import FORMS

type ValidationLevel = Literal["enforce", "observe", "off"]
type CaptureLevel = Literal["full", "redacted", "metadata"]
type LogForm = Literal["line", "json", "emf", "verbose", "off"]
type RecorderKind = Literal["auto", "process", "inline"]
type AuthLevel = Literal["tokens", "none"]
type Switch = Literal["on", "off"]

PREFIX = "claude_"


class Upstream(NamedTuple):
    """Where requests go: `origin` as mitmproxy's reverse mode wants it, and a path put before each request's own."""

    origin: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The parsed options; each field is the option `claude_<field>`."""

    upstream: Upstream
    store: str
    validation: ValidationLevel
    capture: CaptureLevel
    log: LogForm
    fingerprint_key: bytes | None
    spool: str
    recorder: RecorderKind
    auth: AuthLevel
    tokens: str
    org_key: str
    max_rate: int
    max_body: int
    lean: Switch


class Option(NamedTuple):
    """A row of the table: `parse` raises ValueError that says what was wanted."""

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str


def one_of(alias: Any) -> Callable[[str], str]:
    """A parser that takes the values of a Literal."""
    choices = get_args(alias.__value__)

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"wanted one of {', '.join(choices)}")
        return text

    return parse


def upstream(text: str) -> Upstream:
    """Parse the URL of an upstream; a path prefix is kept."""
    url = urlsplit(text if "://" in text else f"https://{text}")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("wanted a URL such as https://api.anthropic.com or https://gw.example.com/team-a")
    if url.query or url.fragment or url.username or url.password:
        raise ValueError("wanted a URL without query, fragment or credentials")
    try:
        port = f":{url.port}" if url.port else ""
    except ValueError:
        raise ValueError("wanted a port between 1 and 65535") from None
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return Upstream(f"{url.scheme}://{host}{port}", url.path.rstrip("/"))


def not_empty(text: str) -> str:
    """Any text but none."""
    if not text:
        raise ValueError("wanted a value")
    return text


def fingerprint_key(text: str) -> bytes | None:
    """The key of the fingerprints; none without text."""
    if text and len(text) < 16:
        raise ValueError("wanted at least 16 characters, or none to make no fingerprints")
    return text.encode() or None


def whole(text: str) -> int:
    """A whole number, not negative."""
    if not text.isdecimal() or len(text) > 9:
        raise ValueError("wanted a whole number, 0 for no bound")
    return int(text)


def size(text: str) -> int:
    """A number of bytes, such as 500k or 32m."""
    factor = {"k": 1024, "m": 1024**2}.get(text[-1:].lower(), 1)
    digits = text[:-1] if factor > 1 else text
    if not digits.isdecimal() or len(digits) > 9 or not int(digits):
        raise ValueError("wanted a size such as 500k or 32m")
    return int(digits) * factor


OPTIONS: tuple[Option, ...] = (
    Option("upstream", "https://api.anthropic.com", upstream, "URL that requests go to; a path in it is kept"),
    Option("store", directories.captures({}, "linux"), not_empty, f"Where records and flows are kept: {FORMS}, or "
           "several with commas between"),
    Option("validation", "enforce", one_of(ValidationLevel), "Malformed requests: enforce refuses them with 400, "
           "observe records and forwards them, off checks nothing"),
    Option("capture", "redacted", one_of(CaptureLevel), "What is kept of bodies: full, redacted (secrets blanked) "
           "or metadata (none); credential headers are never kept"),
    Option("log", "line", one_of(LogForm), "What is printed for a call: line, json, emf (json with CloudWatch "
           "metrics), verbose (with redacted headers and bodies) or off"),
    Option("fingerprint_key", "", fingerprint_key, "Secret of 16 or more characters: redacted credentials then carry "
           "a keyed fingerprint, so that calls with the same key can be told"),
    Option("auth", "tokens", one_of(AuthLevel), "Who may call: tokens (those of claude_tokens; everybody where none "
           "are set and only this machine can connect) or none (everybody)"),
    Option("tokens", "", str, "Where the capture tokens lie: file:PATH, env:NAME, secretsmanager:ID or ssm:NAME"),
    Option("org_key", "", str, "Where the organisation's API key lies, likewise; callers may then send their token in "
           "its place"),
    Option("max_rate", "600", whole, "Calls a minute for each token; 0 for no bound"),
    Option("max_body", "32m", size, "Bytes of a request's body where tokens are wanted"),
    Option("recorder", "auto", one_of(RecorderKind), "Where records are made: in a process of its own, inline in the "
           "proxy's, or auto: a process where there is a second core"),
    Option("lean", "on", one_of(Switch), "Whether mitmdump leaves out addons of mitmproxy that have nothing to do: on, "
           "off"),
    Option("spool", "", str, "Directory for what the store does not take; by default in the user's state directory"),
)  # fmt: skip


def declared(environment: Mapping[str, str], platform: str = sys.platform) -> list[tuple[str, str, str]]:
    """Name, default and help of each option, as mitmproxy declares them; the default store is of the platform."""
    defaults = {option.name: option.default for option in OPTIONS}
    defaults["store"] = directories.captures(environment, platform)
    return [
        (PREFIX + option.name, environment.get((PREFIX + option.name).upper(), defaults[option.name]), option.help)
        for option in OPTIONS
    ]


def parse(values: Mapping[str, str | None]) -> Settings:
    """Settings from the options' values by full name; raises ValueError with one line for the first wrong one."""
    parsed: dict[str, Any] = {}
    for option in OPTIONS:
        text = values[PREFIX + option.name]
        try:
            parsed[option.name] = option.parse(text or "")
        except ValueError as error:
            raise ValueError(f"{PREFIX}{option.name}={shown(option.name, text or '')}: {error}") from None
    return Settings(**parsed)


def shown(name: str, value: object) -> str:
    """An option's value for a message, without what may be a secret."""
    name = name.removeprefix(PREFIX)
    if name in ("fingerprint_key", "org_key", "tokens"):
        return "…"
    if name == "upstream":  # user and password stand before the last "@"; a query may hold a key
        return repr(_SECRET_QUERY.sub("?…", _USER.sub(r"\1…@", str(value))))
    return repr(value)


_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)
_SECRET_QUERY = re.compile(r"[?#].*", re.DOTALL)


def unknown(names: Iterable[str]) -> list[str]:
    """One line for each name that looks like an option of ours and is none, with the nearest known one."""
    known = [PREFIX + option.name for option in OPTIONS]
    lines = []
    for name in names:
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            lines.append(f"unknown option {name}: {hint}")
    return lines


def near(names: Iterable[str]) -> list[str]:
    """One line for each unknown name that may be meant for an option of ours, such as `store`, and lacks our prefix."""
    known = [PREFIX + option.name for option in OPTIONS]
    lines = []
    for name in names:
        plain = name.lower().replace("-", "_")
        if found := get_close_matches(plain, known, n=1, cutoff=0.85) or get_close_matches(
            PREFIX + plain, known, n=1, cutoff=0.9
        ):
            lines.append(f"unknown option {name}: did you mean {found[0]}?")
    return lines
