"""A selection → the condition of SQL over the calls; and the views that can be asked."""

from typing import Any, Final

from mitmclaude.library.columns import CALLS, COLUMNS
from mitmclaude.library.selection import FAILED, Selection

_CALLS: Final = ", ".join(f'"{name}"' for name in CALLS)
_FINDING: Final = """'[{"kind": "VARCHAR", "path": "VARCHAR", "message": "VARCHAR"}]'"""

VIEWS: Final = {
    "calls": f"select {_CALLS}, retry, title from parts",  # noqa: S608
    "contents": """
        select id, started_at, session_id, agent_id, title, prompt, answer, tool,
            input::json as input, message::json as message
        from parts""",
    "findings": f"""
        select id, started_at, session_id, model, client_version,
            found.kind as kind, found.path as path, found.message as message
        from (select *, unnest(from_json(findings, {_FINDING})) as found from parts where findings is not null)""",  # noqa: S608
}
"""The views that are documented, over the table of all that is kept."""

NOTHING: Final = "select " + ", ".join(f'null::{kind} as "{name}"' for name, kind in COLUMNS.items()) + " where false"
"""What is kept of an empty store."""


def condition(selection: Selection) -> tuple[str, dict[str, Any]]:
    """A condition over the columns of a row, and its parameters."""
    asked = {
        "since": ("started_at >= $since", selection.since),
        "until": ("started_at < $until", selection.until),
        "session": ("starts_with(session_id, $session)", selection.session),
        "principal": ("principal = $principal", selection.principal),
        "model": ("contains(model, $model)", selection.model),
        "outcome": ("outcome = $outcome", selection.outcome),
    }
    if selection.outcome == FAILED:
        asked["outcome"] = ("outcome <> $outcome", "complete")
    terms = [sql for sql, value in asked.values() if value is not None]
    return " and ".join(terms) or "true", {name: value for name, (_, value) in asked.items() if value is not None}
