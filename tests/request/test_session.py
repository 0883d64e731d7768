"""Whose call it is: session, agents, client."""

import orjson
import pytest

from mitmclaude.headers import Headers
from mitmclaude.request.session import LONGEST, Client, Session, client, session

UUID = "a1985f7f-b6e1-4285-8502-ee57406387ac"


@pytest.mark.parametrize(
    ("headers", "user_id", "expected"),
    [
        pytest.param(((b"X-Claude-Code-Session-Id", UUID.encode()),), None, Session(UUID), id="header"),
        pytest.param((), orjson.dumps({"session_id": UUID}).decode(), Session(UUID), id="metadata-json"),
        pytest.param((), f"user_{'a' * 64}_account__session_{UUID}", Session(UUID), id="metadata-old-form"),
        pytest.param(
            ((b"x-claude-code-session-id", b"h"),), f"user_x_account__session_{UUID}", Session("h"), id="header-wins"
        ),
        pytest.param(
            ((b"x-claude-code-agent-id", b"a1"), (b"x-claude-code-parent-agent-id", b"a0")),
            None,
            Session(None, "a1", "a0"),
            id="agents",
        ),
        pytest.param((), "somebody", Session(), id="metadata-other"),
        pytest.param((), '{"session_id": 5}', Session(), id="metadata-not-a-text"),
        pytest.param((), "[1]", Session(), id="metadata-not-an-object"),
    ],
)
def test_session(headers: Headers, user_id: str | None, expected: Session) -> None:
    """The headers tell the session, else both known forms of metadata.user_id; anything else tells none."""
    assert session(headers, {"metadata": {"user_id": user_id}}) == expected


@pytest.mark.parametrize("body", [{}, {"metadata": None}, {"metadata": []}, {"metadata": {"user_id": 5}}])
def test_odd_metadata(body: dict[str, object]) -> None:
    """Metadata of any other shape tells no session."""
    assert session((), body) == Session()


def test_long_and_odd_identifiers_are_cut() -> None:
    """What a client calls its session is bounded and printable."""
    told = session(((b"x-claude-code-session-id", b"\x1b[31m" + b"x" * 1000),), {}).session_id
    assert told is not None
    assert len(told) == LONGEST
    assert told.isprintable()


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("claude-cli/2.1.330 (external, sdk-cli)", Client("claude-cli", "2.1.330")),
        ("Anthropic/Python 2.12.0", Client("Anthropic", "2.12.0")),
        ("AsyncAnthropic/Python 2.12.0", Client("AsyncAnthropic", "2.12.0")),
        ("curl/8.5.0", Client("curl", "8.5.0")),
        ("something", Client("something")),
    ],
)
def test_client(agent: str, expected: Client) -> None:
    """Name and version come from the user-agent."""
    assert client(((b"User-Agent", agent.encode()),)) == expected
    assert client(()) == Client()
