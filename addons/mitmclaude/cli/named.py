"""What a user calls a session, an agent or a call → which one is meant."""

from typing import TYPE_CHECKING, NamedTuple

from mitmclaude.cli.asking import resolve
from mitmclaude.cli.opened import fail, printable

if TYPE_CHECKING:
    from mitmclaude.library.library import Library
    from mitmclaude.record.row import Row


class Named(NamedTuple):
    """A session; where an agent was named, or a call of one, that agent."""

    session_id: str
    agent_id: str | None
    rows: "list[Row]"
    """The calls of the session, oldest first."""


def session_of(library: "Library", name: str) -> Named:
    """The session that `name` stands for: its id, the id of one of its agents, the id of a call, or ``last``.

    Ids may be shortened to their beginning. The command ends where none is meant, or more than one.
    """
    rows = library.rows()
    sessions = {row.session_id for row in rows if row.session_id and row.session_id.startswith(name)}
    if len(sessions) == 1:
        return _named(rows, sessions.pop(), None)
    agents = {
        (row.session_id, row.agent_id) for row in rows if row.session_id and (row.agent_id or "").startswith(name)
    }
    agents = {(session, agent) for session, agent in agents if agent}
    if len(agents) == 1:
        session, agent = agents.pop()
        return _named(rows, session or "", agent)
    if len(sessions) > 1 or len(agents) > 1:
        many = f"{len(sessions)} sessions" if len(sessions) > 1 else f"{len(agents)} agents"
        fail(f"{many} have an id that begins with {printable(repr(name))}: wanted one")
    call = resolve(library, name)
    row = next(row for row in rows if row.id == call)
    if not row.session_id:
        fail(f"the call {call} has no session: see it with mitmclaude show {call}")
    return _named(rows, row.session_id, row.agent_id)


def _named(rows: "list[Row]", session_id: str, agent_id: str | None) -> Named:
    return Named(session_id, agent_id, [row for row in rows if row.session_id == session_id])


def short(record_id: str) -> str:
    """The end of an id, by which a call can be named."""
    return record_id[-8:]
