"""Which listeners may ask for tokens."""

import pytest
from mitmproxy.proxy.mode_specs import ProxyMode

from mitmclaude.addons.listening import unguarded


@pytest.mark.parametrize(
    ("modes", "fine"),
    [
        ([], True),
        (["reverse:https://api.anthropic.com"], True),
        (["reverse:http://127.0.0.1:9@0.0.0.0:8082"], True),
        (["regular"], False),
        (["regular@127.0.0.1:8080"], False),
        (["transparent"], False),
        (["socks5"], False),
        (["upstream:http://x:1"], False),
        (["wireguard"], False),
        (["local"], False),
        (["dns"], False),
        (["reverse:tcp://x:1"], False),
        (["reverse:tls://x:1"], False),
        (["reverse:dns://x:1"], False),
        (["reverse:quic://x:1"], False),
        (["reverse:http3://x:1"], False),
        (["reverse:https://x", "regular@8083"], False),
    ],
)
def test_modes(modes: list[str], fine: bool) -> None:
    """Every mode that forwards something else than the requests of a reverse proxy is named."""
    problem = unguarded([ProxyMode.parse(mode) for mode in modes])
    assert (problem is None) is fine
    if problem:
        assert problem.startswith(f"--mode {modes[-1]}: ")
