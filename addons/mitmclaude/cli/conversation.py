"""`mitmclaude conversation`: a session as it was said, each message once."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mitmclaude.cli.asking import JsonOption, asking, console, library_of, print_json
from mitmclaude.cli.named import Named, session_of, short
from mitmclaude.cli.opened import DEFAULT_STORE, StoreOption, fail

if TYPE_CHECKING:
    from rich.console import Console

    from mitmclaude.library.conversation import Agent, Conversation, Entry


@asking()
def conversation(
    name: Annotated[
        str, typer.Argument(metavar="[SESSION|AGENT|CALL]", help="The beginning of an id, or last for the newest.")
    ] = "last",
    full: Annotated[bool, typer.Option("--full", help="Show long texts and the client's reminders whole.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print what was said in a session, in order, each message once; edits of the history are marked.

    Examples: mitmclaude conversation; mitmclaude conversation 16a12cbc | less -R; mitmclaude conversation a77f --full
    """
    from mitmclaude.library.conversation import conversation as told

    library = library_of(store)
    named = session_of(library, name)
    records = list(library.records(row.id for row in named.rows))
    try:
        made = told(records, named.agent_id)
    except KeyError:
        fail(
            f"session {named.session_id} has no call of {'its main agent' if named.agent_id is None else 'that agent'}"
        )
    if as_json:
        print_json("conversation", _plain(made))
        return
    _print(console(), named, made, full)


def _plain(made: "Conversation") -> dict[str, Any]:
    return {
        "session_id": made.session_id,
        "agent": asdict(made.agent),
        "others": [asdict(agent) for agent in made.others],
        "entries": [asdict(entry) for entry in made.entries],
    }


def _print(out: "Console", named: Named, made: "Conversation", full: bool) -> None:
    from rich.text import Text

    from mitmclaude.cli import told

    agent = made.agent
    who = "the main agent" if agent.agent_id is None else f"agent {told.clean(agent.agent_id)}"
    out.print(Text.assemble(("Session ", "bold"), (told.clean(named.session_id), "bold"), f", {who}: {_took(agent)}"))
    for other in made.others:
        name = f"agent {other.agent_id}" if other.agent_id else "the main agent"
        out.print(Text(told.clean(f"  also {name}: {_took(other)}  {_first(other.prompt)}"), "dim"))
    names: dict[str, str] = {}
    before = None
    for entry in made.entries:
        if entry.kind in ("message", "answer"):
            names |= told.names_of(entry.content)
            if before != (entry.call, entry.role):
                _said_by(out, entry)
            for block in told.blocks({"role": entry.role, "content": entry.content}, full, names):
                out.print(block)
            before = entry.call, entry.role
        else:
            _mark(out, entry)
            before = None


def _said_by(out: "Console", entry: "Entry") -> None:
    from rich.text import Text

    from mitmclaude.cli.told import ROLES, clean

    out.print()
    at = f"{entry.at.astimezone():%m-%d %H:%M:%S}"
    out.print(
        Text.assemble(
            (clean(entry.role or "?"), ROLES.get(entry.role, "bold")), (f"  {at}  {short(entry.call)}", "dim")
        )
    )


def _mark(out: "Console", entry: "Entry") -> None:
    from rich.text import Text

    from mitmclaude.cli.told import clean

    style, sign = {
        "edit": ("yellow", "✎"), "absent": ("dim", "…"), "failed": ("bold red", "✗"),
        "side": ("dim", "·"), "agent": ("magenta", "⇢"),
    }[entry.kind]  # fmt: skip
    text = entry.text
    if entry.kind == "agent":
        text = f"agent {entry.agent_id}: {text}  (mitmclaude conversation {entry.agent_id})"
    elif entry.kind == "side":
        text = f"side call {short(entry.call)}: {text}"
    out.print()
    out.print(Text(clean(f"{sign} {text}"), style))


def _took(agent: "Agent") -> str:
    calls = "1 call" if agent.calls == 1 else f"{agent.calls} calls"
    bound = "≥" if agent.unpriced and agent.cost_usd else ""
    cost = f"{bound}${agent.cost_usd:.4f}" if agent.cost_usd or not agent.unpriced else "cost unknown"
    return f"{calls}, {agent.tokens:,} tokens, {cost}"


def _first(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
