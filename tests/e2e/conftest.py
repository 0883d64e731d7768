"""An upstream and a proxy in front of it, one pair a test module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.proxy import Proxy, running
from tests.e2e.tokens import token
from tests.upstream import Upstream, serving

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder starts real processes."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def upstream_server() -> Iterator[Upstream]:
    with serving() as upstream:
        yield upstream


@pytest.fixture
def upstream(upstream_server: Upstream) -> Upstream:
    """The module's upstream, with nothing planned and nothing received."""
    upstream_server.reset()
    return upstream_server


@pytest.fixture(scope="module")
def proxy_server(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running(upstream_server.url, tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


@pytest.fixture
def proxy(proxy_server: Proxy, upstream: Upstream) -> Proxy:
    """The module's proxy; records of earlier tests count as read."""
    proxy_server.forget()
    return proxy_server


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def ann(tokens: Path) -> str:
    """Ann's token, as `mitmclaude token new` prints it."""
    return token("new", "ann", tokens=tokens).splitlines()[0]
