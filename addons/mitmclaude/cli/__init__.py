"""The `mitmclaude` command: one file a subcommand."""

import typer

from mitmclaude.cli import flow, records, run, schema, show, token

app = typer.Typer(
    help="See, check and keep what Claude Code sends and gets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run.run)
app.command("list")(records.records)
app.command("show")(show.show)
app.command("flow")(flow.flow)
app.command("schema")(schema.schema)
app.add_typer(token.app, name="token")
