"""The addons, one concern a file; the order of `default_addons` is the pipeline."""

from typing import Any

from mitmclaude.addons.banner import Banner
from mitmclaude.addons.capture import Begin
from mitmclaude.addons.connections import Connections
from mitmclaude.addons.dispatch import Dispatch
from mitmclaude.addons.emf import Metrics
from mitmclaude.addons.errorpages import ErrorPages
from mitmclaude.addons.finish import Finish
from mitmclaude.addons.garbage import Garbage
from mitmclaude.addons.gate import Gate
from mitmclaude.addons.guard import Guard
from mitmclaude.addons.hushed import Hushed
from mitmclaude.addons.interim import Interim
from mitmclaude.addons.lean import Lean
from mitmclaude.addons.limits import FileLimit
from mitmclaude.addons.listen import Listen
from mitmclaude.addons.live import Live
from mitmclaude.addons.logline import LogLine
from mitmclaude.addons.marks import Marks
from mitmclaude.addons.on_lambda import FromLambda, Health, ToLambda
from mitmclaude.addons.opening import Opening
from mitmclaude.addons.printing import Printing
from mitmclaude.addons.quiet import Quiet
from mitmclaude.addons.reader import Reader
from mitmclaude.addons.recording import Recording
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.signals import Hangup
from mitmclaude.addons.store import StoreAddon
from mitmclaude.addons.summary import Summary
from mitmclaude.addons.sweep import Sweep
from mitmclaude.addons.tally import Tally
from mitmclaude.addons.tee import Tee
from mitmclaude.addons.upstream import UpstreamPath
from mitmclaude.addons.validate import Validate

__all__ = ["default_addons"]


def default_addons() -> list[Any]:
    """A fresh set of addons for one mitmproxy master."""
    live, options, printing = Live(), ClaudeOptions(), Printing()
    store = StoreAddon(options)
    recording = Recording(live, options, store)
    finish = Finish(live, recording)
    tally, begin = Tally(), Begin(live, options)
    connections = Connections(live, options, tally)
    return [
        options,
        FileLimit(),
        Hangup(),
        printing,
        Opening(),
        Lean(options),
        Dispatch(options),
        Garbage(options),
        Banner(options),
        ErrorPages(),
        Reader(tally),
        Gate(live, begin, options),
        Interim(),
        Quiet(),
        Hushed(),
        Health(),
        begin,
        FromLambda(live, recording),
        connections,
        Guard(live, options, connections, tally),
        UpstreamPath(options),
        Validate(live, options, recording),
        Tee(live),
        ToLambda(live),
        Sweep(live, finish.response, finish.error),
        tally,
        finish,
        store,
        Listen(options),  # it stops a start that any addon before it found wrong
        recording,
        Marks(live),
        LogLine(live, options, printing),
        Metrics(options, printing),
        Summary(options),  # the last to hear of the end
    ]
