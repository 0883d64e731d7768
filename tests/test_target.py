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
    assert problem("POST", target, "", upgrades=False, injected=False) is None


@pytest.mark.parametrize(
    "target",
    ["/", "/admin", "/v1", "/v1/", "/v1/../admin", "/v1/./x", "/v1//messages", "/v1/%2e%2e/x", "/v1/messages%00", "//evil/v1/messages", "/v1/a\\b", "/v1/a;b", "/v1/.git", "*", "/V1/messages", "/v1/messages#x"],
)  # fmt: skip
def test_other_paths_are_refused(target: str) -> None:
    """Anything else, tricks with paths above all, is refused."""
    assert problem("GET", target, "", upgrades=False, injected=False) == (
        404,
        "only the paths of the Messages API are served here, such as /v1/messages",
    )


@pytest.mark.parametrize(
    ("method", "target", "authority", "upgrades"),
    [
        ("GET", "/v1/messages", "evil.example", False),
        ("CONNECT", "/v1/messages", "", False),
        ("GET /admin?", "/v1/messages", "", False),
        ("GET", "/v1/models?x HTTP/1.1", "", False),
        ("GET", "/v1/messages", "", True),
    ],
)
def test_other_hosts_and_protocols_are_refused(method: str, target: str, authority: str, upgrades: bool) -> None:
    """Nobody reaches another host through it, nor another protocol."""
    found = problem(method, target, authority, upgrades=upgrades, injected=False)
    assert found is not None
    assert found.status == 404


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "OPTIONS", "PROPFIND", "get"])
def test_other_methods_are_refused(method: str) -> None:
    """A method that the API does not know is refused, whoever's credential it would go out with."""
    for injected in (False, True):
        found = problem(method, "/v1/messages", "", upgrades=False, injected=injected)
        assert found is not None
        assert found.status == 405


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("POST", "/v1/messages?beta=true", True),
        ("POST", "/v1/messages/count_tokens", True),
        ("GET", "/v1/models?limit=1000", True),
        ("GET", "/v1/models/claude-opus-5-5", True),
        ("GET", "/v1/messages", False),
        ("DELETE", "/v1/models/x", False),
        ("HEAD", "/v1/models", False),
        ("GET", "/v1/models/x/y", False),
        ("GET", "/v1/files", False),
        ("POST", "/v1/files/v1/messages", False),
        ("POST", "/v1/messages/batches", False),
        ("GET", "/v1/organizations/api_keys", False),
        ("GET", "/v1/organizations/v1/models", False),
    ],
)
def test_what_the_organisations_key_is_for(method: str, target: str, allowed: bool) -> None:
    """With the organisation's key only messages, count_tokens and models go out, each with its own method."""
    found = problem(method, target, "", upgrades=False, injected=True)
    assert (found is None) is allowed
    if found is not None:
        assert found.status == 403
    assert problem(method, target, "", upgrades=False, injected=False) is None
