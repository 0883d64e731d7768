"""What a user calls a session, an agent or a call → which one is meant."""

from typing import TYPE_CHECKING, NamedTuple

from mitmclaude.cli.asking import resolve
from mitmclaude.cli.opened import fail, printable
from mitmclaude.library.selection import Selection

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
    if name != "last" and not name.startswith("-"):
        rows = library.rows(Selection(session=name))
        sessions = {row.session_id for row in rows}
        if len(sessions) == 1:
            return Named(sessions.pop() or "", None, rows)
        asked = "select distinct session_id, agent_id from calls where starts_with(agent_id, ?)"
        agents = library.query(asked, [name])
        if len(agents) == 1 and agents[0][0]:
            return _named(library, *agents[0])
        if sessions or agents:
            many = f"{len(sessions)} sessions" if sessions else f"{len(agents)} agents"
            fail(f"{many} have an id that begins with {printable(repr(name))}: wanted one")
    record = library.record(resolve(library, name))
    if not record.session_id:
        fail(f"the call {record.id} has no session: see it with mitmclaude show {record.id}")
    return _named(library, record.session_id, record.agent_id)


def _named(library: "Library", session_id: str, agent_id: str | None) -> Named:
    rows = library.rows(Selection(session=session_id))
    return Named(session_id, agent_id, [row for row in rows if row.session_id == session_id])


def short(record_id: str) -> str:
    """The end of an id, by which a call can be named."""
    return record_id[-8:]
