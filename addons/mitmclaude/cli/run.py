"""`mitmclaude run`: start the capture from an installed package."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import mitmclaude
from mitmclaude.arguments import completed

PACKAGE = Path(mitmclaude.__file__).parent


def run(
    context: typer.Context,
    web: Annotated[bool, typer.Option("--web", help="Start mitmweb, a page to look at the traffic.")] = False,
) -> None:
    """Start the capture on http://127.0.0.1:8082; further arguments go to mitmdump, e.g. --set claude_store=DIR."""
    tool = Path(sys.executable).with_name("mitmweb" if web else "mitmdump")
    try:
        arguments = completed(context.args, os.environ, lambda path: Path(path).expanduser().exists())
    except ValueError as error:
        raise SystemExit(f"mitmclaude: {error}") from None
    os.execv(tool, [str(tool), "-s", str(script()), *arguments])  # noqa: S606


def script() -> Path:
    """The script for `mitmdump -s`: in the wheel below the package, in a checkout beside it."""
    installed = PACKAGE / "script" / "claude.py"
    return installed if installed.exists() else PACKAGE.parent / "claude.py"
