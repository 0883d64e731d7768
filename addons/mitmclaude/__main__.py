"""`python -m mitmclaude` is the command `mitmclaude`."""

from mitmclaude.cli import app

app(prog_name="mitmclaude")
