"""What is added to a command line that leaves the mode or the address open."""

import pytest
from mitmproxy.proxy.mode_specs import ProxyMode

from mitmclaude.addons.listen import conflict, missing
from mitmclaude.options import Upstream, upstream

API = "https://api.anthropic.com"


@pytest.mark.parametrize(
    ("modes", "host", "port", "expected"),
    [
        (None, False, False, ["--mode", f"reverse:{API}", "--listen-port", "8082", "--listen-host", "127.0.0.1"]),
        (None, True, False, ["--mode", f"reverse:{API}", "--listen-port", "8082"]),
        (None, False, True, ["--mode", f"reverse:{API}", "--listen-host", "127.0.0.1"]),
        (["reverse:http://x@127.0.0.1:9"], False, False, []),
        (["reverse:http://x@9"], False, False, ["--listen-host", "127.0.0.1"]),
        (["regular"], False, False, ["--listen-host", "127.0.0.1"]),
        (["regular"], True, False, []),
        (["regular@127.0.0.1:9", "reverse:http://x"], False, False, ["--listen-host", "127.0.0.1"]),
        (["local:claude"], False, False, []),
    ],
)
def test_missing(modes: list[str] | None, host: bool, port: bool, expected: list[str]) -> None:
    """Mode and loopback are added where they were left open; what was given stays."""
    assert missing([ProxyMode.parse(mode) for mode in modes] if modes else None, host, port, API) == expected


@pytest.mark.parametrize(
    ("mode", "url", "given", "clash"),
    [
        ("reverse:http://x", API, False, False),
        ("reverse:http://x", API, True, True),
        ("reverse:http://x:80/", "http://x:80/team", True, False),
        ("reverse:gw.example.com", "https://gw.example.com/team", True, False),
        ("regular", "http://x", True, False),
    ],
)
def test_conflict(mode: str, url: str, given: bool, clash: bool) -> None:
    """Two different upstreams are told; a path for the same one is none."""
    target: Upstream = upstream(url)
    assert bool(conflict([ProxyMode.parse(mode)], target, given)) is clash
