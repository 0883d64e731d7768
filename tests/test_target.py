"""What a public listener forwards."""

import pytest

from mitmclaude.target import problem


@pytest.mark.parametrize(
    "target",
    [
        "/v1/messages",
        "/v1/messages?beta=true",
        "/v1/messages/count_tokens?beta=true",
        "/v1/models/claude-opus-5-5",
        "/v1/files/file_011/content",
        "/v1/messages/batches/msgbatch_1/results",
        "/v1/messages/?x=../..",
    ],
)
def test_paths_of_the_api(target: str) -> None:
    """The API's paths are served."""
    assert problem("POST", target, "", upgrades=False) is None


@pytest.mark.parametrize(
    "target",
    ["/", "/admin", "/v1", "/v1/", "/v1/../admin", "/v1/./x", "/v1//messages", "/v1/%2e%2e/x", "/v1/messages%00", "//evil/v1/messages", "/v1/a\\b", "/v1/a;b", "/v1/.git", "*", "/V1/messages", "/v1/messages#x"],
)  # fmt: skip
def test_other_paths_are_refused(target: str) -> None:
    """Anything else, tricks with paths above all, is refused."""
    assert problem("GET", target, "", upgrades=False) == (
        "only the paths of the Messages API are served here, such as /v1/messages"
    )


def test_other_hosts_and_protocols_are_refused() -> None:
    """Nobody reaches another host through it, nor another protocol."""
    assert problem("GET", "/v1/messages", "evil.example", upgrades=False) is not None
    assert problem("CONNECT", "/v1/messages", "", upgrades=False) is not None
    assert problem("GET /admin?", "/v1/messages", "", upgrades=False) == "malformed method or target"
    assert problem("GET", "/v1/models?x HTTP/1.1", "", upgrades=False) == "malformed method or target"
    assert problem("GET", "/v1/messages", "", upgrades=True) == "protocol upgrades are not served here"
