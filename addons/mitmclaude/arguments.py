"""Write out the arguments of a tool of mitmproxy that were left open, so that it has to start only once.

mitmproxy reads its mode before it loads a script: the addon could only start it a second time (`addons/listen.py`).
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Never

from mitmclaude import options

HOST, PORT = "127.0.0.1", 8082
"""Where it listens unless something else is asked for."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        raise ValueError(message)


def completed(given: Sequence[str], environment: Mapping[str, str], exists: Callable[[str], bool]) -> list[str]:
    """The arguments with mode and address added where they are open.

    Whatever cannot be told here is left to the addon: arguments that mitmproxy will refuse, and its config.yaml, which
    `exists` looks for. Raises ValueError for a mode that holds a password: mitmproxy would print it.
    """
    try:
        parsed, _ = _parser().parse_known_args(given)
        names = dict(text.partition("=")[::2] for text in parsed.set)
        origin = options.upstream(
            names.get("claude_upstream") or environment.get("CLAUDE_UPSTREAM") or _UPSTREAM
        ).origin
    except (ValueError, argparse.ArgumentError):
        return list(given)
    modes = [*parsed.mode, *(text.partition("=")[2] for text in parsed.set if text.startswith("mode="))]
    if any(_names_a_user(mode) for mode in modes):
        raise ValueError("--mode takes no user and password: leave them out")
    folder = names.get("confdir") or "~/.mitmproxy"
    if parsed.no_server or names.get("server") == "false" or any(exists(f"{folder}/{name}") for name in _CONFIGS):
        return list(given)
    more = [] if modes else ["--mode", f"reverse:{origin}"]
    if not modes and parsed.listen_port is None and "listen_port" not in names:
        more += ["--listen-port", str(PORT)]
    if parsed.listen_host is None and "listen_host" not in names:
        more += ["--listen-host", HOST]
    return [*given, *more]


_UPSTREAM = next(option.default for option in options.OPTIONS if option.name == "upstream")

_CONFIGS = ("config.yaml", "config.yml")

_HOST = r"(?:\[[^\]@]*\]|[^@:/]*)"
_PLAIN = re.compile(rf"{_HOST}(?::\d+)?/*(?:@(?:{_HOST}:)?\d+)?")


def _names_a_user(mode: str) -> bool:
    """Whether the server in a mode is more than a host and a port, before the address to listen on."""
    server = mode.partition(":")[2]
    server = server.partition("://")[2] or server
    return "@" in server and not _PLAIN.fullmatch(server)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, exit_on_error=False)
    parser.add_argument("-m", "--mode", action="append", default=[])
    parser.add_argument("--listen-host")
    parser.add_argument("-p", "--listen-port")
    parser.add_argument("-n", "--no-server", action="store_true")
    parser.add_argument("--set", action="append", default=[])
    return parser
