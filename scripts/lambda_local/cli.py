"""The command `lambda-local`: arguments → a running platform, its log on stderr, its URL on stdout."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from .front import FunctionUrl
from .log import Emit, Line
from .platform import Platform
from .settings import Settings

USAGE = """\
lambda-local [options] --adapter "$(scripts/build-adapter)" -- COMMAND …
       lambda-local [options] --image NAME [-- COMMAND …]"""
HELP = """\
AWS Lambda on your own machine: runs a web app behind a Function URL in RESPONSE_STREAM mode, with the real Lambda Web
Adapter and what harms on Lambda: one request at a time per environment, frozen between requests, killed at the timeout,
6 MB for a request."""
MORE = """\
{port} in COMMAND and in --env becomes the port on which the app of an environment must listen; it is in AWS_LWA_PORT
and PORT as well. Ordinary processes get none of your environment but PATH and the like: give them what they need with
--env. The first line of stdout is `listening on http://127.0.0.1:PORT`; the log goes to stderr.
scripts/lambda_local/README.md says what is and what is not like on AWS."""


def parser() -> argparse.ArgumentParser:
    """All options, with the defaults of `Settings`."""
    form = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("lambda-local", USAGE, description=HELP, epilog=MORE, formatter_class=form)
    what = made.add_argument_group("the function")
    what.add_argument("--adapter", type=Path, metavar="PATH", help="the Lambda Web Adapter, started as extension")
    what.add_argument("--image", default="", metavar="NAME", help="a built image, run by Docker")
    what.add_argument(
        "--docker-arg", action="append", default=[], metavar="ARG", help="one more argument of docker run"
    )
    what.add_argument("--env", action="append", default=[], metavar="K[=V]", help="set K to V, or to what it is here")
    what.add_argument("--name", default="local", help="name of the function (%(default)s)")
    what.add_argument("--region", default="us-east-1", help="(%(default)s)")
    how = made.add_argument_group("the platform")
    how.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="of an invocation (%(default)s)")
    how.add_argument("--init-timeout", type=float, default=10.0, metavar="SECONDS", help="of the init (%(default)s)")
    how.add_argument("--memory", type=int, default=1024, metavar="MB", help="enforced for images only (%(default)s)")
    how.add_argument(
        "--concurrency", type=int, default=10, metavar="N", help="environments at most, then 429 (%(default)s)"
    )
    how.add_argument(
        "--idle", type=float, default=300.0, metavar="SECONDS", help="until a frozen one is retired (%(default)s)"
    )
    how.add_argument(
        "--warm", type=int, default=0, metavar="N", help="environments to start ahead of requests (%(default)s)"
    )
    strict = "end an answer with an empty body; a real Function URL leaves it open until the timeout"
    how.add_argument("--no-strict-empty", action="store_false", dest="strict_empty", help=strict)
    how.add_argument("--throttle", action="store_true", help="2 MB/s behind the first 6 MB of an answer, as on AWS")
    out = made.add_argument_group("output")
    out.add_argument("--url-port", type=int, default=0, metavar="PORT", help="of the URL (a free one)")
    out.add_argument("--log", type=Path, metavar="FILE", help="append the log to FILE instead of stderr")
    out.add_argument("--json-log", action="store_true", help="one JSON object a line")
    return made


def settings(arguments: list[str]) -> tuple[Settings, Emit]:
    """The function and where its log goes; exits with a message on stderr where the arguments do not fit."""
    made = parser()
    at = arguments.index("--") if "--" in arguments else len(arguments)
    given, command = made.parse_args(arguments[:at]), tuple(arguments[at + 1 :])
    if bool(given.image) == bool(given.adapter):
        made.error("wanted either --adapter PATH -- COMMAND … or --image NAME")
    if given.adapter and not command:
        made.error("wanted a runtime COMMAND behind --")
    if given.adapter and not os.access(given.adapter, os.X_OK):
        made.error(f"{given.adapter} is not an executable; scripts/build-adapter makes one")
    log, as_json = given.log, given.json_log
    names = Settings.__dataclass_fields__
    rest = {name: value for name, value in vars(given).items() if name in names}
    rest |= {"command": command, "docker_args": tuple(given.docker_arg), "env": _pairs(given.env)}
    return Settings(**rest), _output(log, as_json)


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGINT or SIGTERM."""
    function, emit = settings(sys.argv[1:] if arguments is None else arguments)
    try:
        asyncio.run(_run(function, emit))
    except OSError as e:
        print(f"lambda-local: {e}", file=sys.stderr)
        return 1
    return 0


async def _run(function: Settings, emit: Emit) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    platform = Platform(function, emit)
    front = FunctionUrl(platform, emit)
    await front.start()
    print(f"listening on {front.url}", flush=True)
    warm = platform.begin(platform.warm())
    await stop.wait()
    warm.cancel()
    await platform.close()
    await front.close()


def _pairs(words: list[str]) -> dict[str, str]:
    """`K=V`, or `K` for what K is in our own environment."""
    pairs = (word.partition("=") for word in words)
    return {name: value if equals else os.environ.get(name, "") for name, equals, value in pairs}


def _output(file: Path | None, as_json: bool) -> Emit:
    stream = file.open("a", encoding="utf-8") if file else sys.stderr

    def emit(line: Line) -> None:
        print(line.as_json() if as_json else str(line), file=stream, flush=True)

    return emit
