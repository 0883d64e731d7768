"""Declare the options to mitmproxy and hold them parsed."""

import logging
import os
import sys

from mitmproxy import ctx, exceptions
from mitmproxy.addonmanager import Loader
from mitmproxy.optmanager import OptManager, unset

from mitmclaude import options
from mitmclaude.options import PREFIX, Settings

logger = logging.getLogger(__name__)


class ClaudeOptions:
    """The options of this project; `settings` is what they say.

    mitmproxy ignores an unknown option of a script and drops a script without a word whose option it cannot parse.
    Here either stops the start, with a line on stderr.
    """

    name = "claude.options"

    settings: Settings

    def __init__(self) -> None:
        self.settings = options.parse({name: default for name, default, _ in options.declared({})})
        self._told: set[str] = set()
        self._running = False

    def load(self, loader: Loader) -> None:
        for name, default, text in options.declared(os.environ):
            loader.add_option(name, str | None, default, text)  # type: ignore[arg-type]
        for line in take_in(loader.master.options):
            self.fail(line)

    def configure(self, updated: set[str]) -> None:
        if not any(name.startswith(PREFIX) or name == "stream_large_bodies" for name in updated):
            return
        try:
            self.settings = self._parsed()
        except ValueError as error:
            self.fail(str(error))

    def _parsed(self) -> Settings:
        settings = options.parse({name: getattr(ctx.options, name) for name, _, _ in options.declared({})})
        if ctx.options.stream_large_bodies and settings.validation == "enforce":
            raise ValueError(
                "stream_large_bodies sends a request upstream before it is checked: "
                "leave it unset, or set claude_validation=observe"
            )
        return settings

    def running(self) -> None:
        self._running = True
        for line in options.near(ctx.options.deferred):  # every script has declared its options now
            logger.warning("%s", line)

    def fail(self, line: str) -> None:
        """Tell what stops the start (`Listen` stops it, once every addon has told), or refuse a change made later."""
        if self._running:
            raise exceptions.OptionsError(line)
        if line not in self._told:  # mitmproxy configures an addon once for each option that it sets
            self._told.add(line)
            sys.stderr.write(f"mitmclaude: {line}\n")

    @property
    def failed(self) -> bool:
        """Whether anything stops the start."""
        return bool(self._told)


def take_in(opts: OptManager) -> list[str]:
    """Make the values given for our options such that mitmproxy can set them; one line for each that is wrong."""
    wrong = options.unknown(opts.deferred)
    for name in [name for name in opts.deferred if name.startswith(PREFIX)]:
        value = opts.deferred[name]
        strings = getattr(value, "val", [value])  # --set gives a list of strings, config.yaml any value
        if name not in opts or len(strings) > 1:
            if name in opts:
                wrong.append(f"option {name} is given {len(strings)} times: give it once")
            del opts.deferred[name]
        elif strings and isinstance(strings[0], list | dict | bool):
            found = options.shown(name, strings[0])
            wrong.append(f"option {name} in config.yaml: wanted a text, found {found}")
            del opts.deferred[name]
        elif strings and strings[0] is not None:
            opts.deferred[name] = str(strings[0])
    return wrong


def is_set(name: str) -> bool:
    """Whether the user gave the option `name` of mitmproxy, be it with its default as value."""
    return ctx.options._options[name].value is not unset
