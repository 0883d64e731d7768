"""The addons, one concern a file; the order of `default_addons` is the pipeline."""

from typing import Any

from mitmclaude.addons.banner import Banner
from mitmclaude.addons.capture import Begin
from mitmclaude.addons.dispatch import Dispatch
from mitmclaude.addons.errorpages import ErrorPages
from mitmclaude.addons.gate import Gate
from mitmclaude.addons.guard import Guard
from mitmclaude.addons.hushed import Hushed
from mitmclaude.addons.interim import Interim
from mitmclaude.addons.lean import Lean
from mitmclaude.addons.limits import FileLimit
from mitmclaude.addons.listen import Listen
from mitmclaude.addons.live import Live
from mitmclaude.addons.offload import Offload
from mitmclaude.addons.on_lambda import FromLambda, Health, ToLambda
from mitmclaude.addons.printing import Printing
from mitmclaude.addons.quiet import Quiet
from mitmclaude.addons.recorder import Recorder
from mitmclaude.addons.settings import ClaudeOptions
from mitmclaude.addons.signals import Hangup
from mitmclaude.addons.store import StoreAddon
from mitmclaude.addons.summary import Summary
from mitmclaude.addons.tee import Tee
from mitmclaude.addons.upstream import UpstreamPath
from mitmclaude.addons.validate import Validate

__all__ = ["default_addons"]


def default_addons() -> list[Any]:
    """A fresh set of addons for one mitmproxy master."""
    live, offload, options, printing = Live(), Offload(), ClaudeOptions(), Printing()
    store = StoreAddon(options, offload)
    recorder = Recorder(live, options, store, offload)
    return [
        options,
        FileLimit(),
        Hangup(),
        printing,
        Gate(),
        Lean(options),
        Dispatch(options),
        Banner(options),
        ErrorPages(),
        Interim(),
        Quiet(),
        Hushed(),
        Health(),
        Begin(live, options),
        FromLambda(live, recorder),
        Guard(live, options, offload),
        UpstreamPath(options),
        Validate(live, options, offload),
        Tee(live),
        ToLambda(live),
        recorder,
        store,
        Listen(options),  # the last to be configured: it stops a start that another found wrong
        Summary(options),  # the last to hear of the end
    ]
