"""Who made a request: session and agents of Claude Code, and the client's name and version.

The session comes from the ``x-claude-code-*`` headers, else from ``metadata.user_id``, which clients before 2.1.78
filled with ``user_<hash>_account_<uuid>_session_<uuid>`` and later ones with a JSON object as a string.
All of it is the client's word: never a base for authorization, a path or a key.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from mitmclaude.headers import Headers, header

LONGEST = 128
"""Characters kept of each identifier: the real ones have 36 or fewer."""

_OLD_FORM = re.compile(r"_session_([0-9a-fA-F-]{36})\Z")
_AGENT = re.compile(r"([A-Za-z][\w.-]*(?:/Python)?)[/ ]v?(\d[\w.+-]*)")


class Session(NamedTuple):
    """Identifiers of one conversation; each None when not told."""

    session_id: str | None = None
    agent_id: str | None = None
    parent_agent_id: str | None = None


class Client(NamedTuple):
    """Name and version from the user-agent header, e.g. ``claude-cli`` and ``2.1.330``."""

    name: str | None = None
    version: str | None = None


def session(headers: Headers, body: Mapping[str, Any]) -> Session:
    """The session of a request, from its headers and its parsed body (empty if it could not be parsed)."""
    return Session(
        _short(header(headers, b"x-claude-code-session-id")) or _session_of_metadata(body.get("metadata")),
        _short(header(headers, b"x-claude-code-agent-id")),
        _short(header(headers, b"x-claude-code-parent-agent-id")),
    )


def client(headers: Headers) -> Client:
    """The client's name and version."""
    agent = header(headers, b"user-agent")
    if agent is None:
        return Client()
    if match := _AGENT.match(agent):
        return Client(_short(match[1].removesuffix("/Python")), _short(match[2]))
    return Client(_short(agent))


def _session_of_metadata(metadata: object) -> str | None:
    user_id = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(user_id, str):
        return None
    if match := _OLD_FORM.search(user_id):
        return match[1]
    try:
        told = orjson.loads(user_id)
    except orjson.JSONDecodeError:
        return None
    found = told.get("session_id") if isinstance(told, dict) else None
    return _short(found) if isinstance(found, str) else None


def _short(value: str | None) -> str | None:
    return "".join(c if c.isprintable() else "�" for c in value[:LONGEST]) if value else None
