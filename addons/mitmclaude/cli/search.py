"""`mitmclaude search`: where a text stands in prompts, answers and what tools were given and gave."""

from typing import TYPE_CHECKING, Annotated

import typer

from mitmclaude.cli import asking
from mitmclaude.cli.asking import JsonOption, ModelOption, OutcomeOption, PrincipalOption, SinceOption, UntilOption
from mitmclaude.cli.opened import DEFAULT_STORE, WRONG, StoreOption, fail
from mitmclaude.library import searching, shown
from mitmclaude.library.searching import Hit, Sought
from mitmclaude.library.where import condition

if TYPE_CHECKING:
    from mitmclaude.library.library import Library
    from mitmclaude.library.selection import Selection


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for; capitals count where it has some.")],
    regex: Annotated[bool, typer.Option("--regex", help="TEXT is a regular expression, as RE2 reads it.")] = False,
    places: Annotated[
        list[str] | None,
        typer.Option("--in", metavar="WHERE", help="In the prompt, the answer or the tool; any of them."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    session: asking.SessionOption = None,
    principal: PrincipalOption = None,
    model: ModelOption = None,
    outcome: OutcomeOption = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many calls at the most.")] = 20,
    json: JsonOption = False,
) -> None:
    """Where a text stands, the newest first, with what is around it and the id to go on with.

    Each prompt, answer and tool result is looked through in the call that brought it: a hit is not shown again for
    every later call that sends it along.

    \b
    Examples:
      mitmclaude search "permission denied" --in tool
      mitmclaude search --regex "TODO|FIXME" --since 3d
      mitmclaude show ID        what the call with the hit was about
    """
    try:
        asked = searching.sought(text, regex=regex, places=tuple(places or ()))
    except ValueError as error:
        fail(str(error), WRONG)
    chosen = asking.selected(since, until, session, principal, model, outcome)
    library = asking.library_of(store)
    with asking.asking():
        ids = _found(library, asked, chosen)
        hits = _hits(library, asked, ids[:count])
    if json:
        asking.print_json("hits", [hit._asdict() for hit in hits], calls=len(ids))
        return
    if not ids:
        fail(f"no call has {text!r} in its {' or '.join(asked.places)}")
    for hit in hits:
        _print(hit)
    if len(ids) > count:
        typer.echo(f"\n{count} of {len(ids):,} calls; more with -n")


def _found(library: "Library", asked: Sought, chosen: "Selection") -> list[str]:
    where, parameters = condition(chosen)
    sql, sought = searching.query(asked, where)
    try:
        return [one for (one,) in library.query(sql, parameters | sought)]
    except ValueError as error:
        fail(f"--regex: {error}", WRONG)


def _hits(library: "Library", asked: Sought, ids: list[str]) -> list[Hit]:
    if not ids:
        return []
    found = library.query(searching.contexts(asked), {"ids": ids, "text": asked.pattern})
    return [hit for one in found for hit in searching.hits(asked, one)]


def _print(hit: Hit) -> None:
    at = shown.when(hit.started_at, asking.now().tzinfo)
    head = f"{hit.id}  {at}  session {shown.short(hit.session_id)}"
    head += f"  agent {shown.short(hit.agent_id)}" if hit.agent_id else ""
    if not asking.is_terminal():
        typer.echo(f"{head}  {hit.place}: {hit.before}{hit.text}{hit.after}".rstrip())
        return
    from rich.text import Text

    asking.console().print(Text(f"{head}  {hit.place}", style="cyan"))
    line = Text.assemble("  ", (hit.before, "dim"), (hit.text, "bold red"), (hit.after, "dim"))
    asking.console().print(line, overflow="ellipsis", no_wrap=True)
