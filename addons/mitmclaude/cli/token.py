"""`mitmclaude token`: who may use a deployed capture."""

from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Annotated

import typer

from mitmclaude import auth
from mitmclaude.cli.opened import WRONG, fail, printable
from mitmclaude.stores.secret import Secret, open_secret

app = typer.Typer(help="Make, list and revoke the tokens that a public listener wants.", no_args_is_help=True)

TokensOption = Annotated[
    str,
    typer.Option(
        "--tokens",
        envvar="CLAUDE_TOKENS",
        help="Where they lie: file:PATH, secretsmanager:ID or ssm:NAME (what claude_tokens says).",
    ),
]
Name = Annotated[str, typer.Argument(help="Whose token it is, e.g. ann or ann@example.com.")]

USE = """\
This is the only time that the token is shown; what is kept is its hash. In the shell that starts Claude Code, with URL
the address of the capture and TOKEN the token, either beside an Anthropic credential of one's own:

    export ANTHROPIC_BASE_URL=URL ENABLE_TOOL_SEARCH=true
    export ANTHROPIC_CUSTOM_HEADERS="x-capture-token: TOKEN"

or in its place, where the capture has the organisation's key (claude_org_key):

    export ANTHROPIC_BASE_URL=URL ENABLE_TOOL_SEARCH=true
    export ANTHROPIC_AUTH_TOKEN=TOKEN
"""


@app.command("new")
def new(name: Name, tokens: TokensOption) -> None:
    """Make a token and print it, once; stdout gets nothing but the token."""
    secret, table = _opened(tokens)
    token = auth.new_token(token_bytes(32))
    _changed(secret, lambda: auth.added(table, name, token, datetime.now(UTC)))
    typer.echo(token)
    typer.echo(USE, err=True, nl=False)


@app.command("list")
def names(tokens: TokensOption) -> None:
    """List whose tokens there are."""
    _, table = _opened(tokens)
    if not table:
        fail(f"no token in {printable(tokens)}")
    for row in table:
        typer.echo(f"{row.name}  made {row.created_at}" + (f"  revoked {row.revoked_at}" if row.revoked_at else ""))


@app.command("revoke")
def revoke(name: Name, tokens: TokensOption) -> None:
    """Revoke a token: it is refused within a minute."""
    secret, table = _opened(tokens)
    _changed(secret, lambda: auth.revoked(table, name, datetime.now(UTC)))
    typer.echo(f"revoked the token of {name}")


def _opened(url: str) -> tuple[Secret, auth.Table]:
    try:
        secret = open_secret(url)
    except (OSError, ValueError) as error:
        fail(f"--tokens: {printable(str(error))}", WRONG)
    try:
        return secret, auth.parse(secret.read())
    except FileNotFoundError:  # the first token makes the file
        return secret, ()
    except (OSError, ValueError) as error:
        fail(_told(url, error))


def _changed(secret: Secret, change: Callable[[], auth.Table]) -> None:
    try:
        secret.write(auth.dump(change()))
    except (OSError, ValueError) as error:
        fail(_told(secret.url, error))


def _told(url: str, error: OSError | ValueError) -> str:
    return printable(f"{url}: {getattr(error, 'strerror', None) or error}")
