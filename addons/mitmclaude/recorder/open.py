"""Choose and make the recorder that the options ask for."""

import os
import sys
from collections.abc import Callable

from mitmclaude.options import RecorderKind
from mitmclaude.recorder.apart import Apart
from mitmclaude.recorder.by_size import BySize
from mitmclaude.recorder.inline import Inline
from mitmclaude.recorder.messages import Stores
from mitmclaude.recorder.protocol import OnReply, Recorder
from mitmclaude.recorder.work import Puts


def kind_of(wanted: RecorderKind) -> RecorderKind:
    """The kind of recorder for `auto`: a process where there is a second core for it, and a way to start it."""
    if wanted != "auto":
        return wanted
    can_start = os.name == "posix" and not getattr(sys, "frozen", False)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    is_on_lambda = "AWS_LAMBDA_RUNTIME_API" in os.environ  # which freezes every process, and has no room for two
    return "process" if can_start and not is_on_lambda and cores > 1 else "inline"


def open_recorder(kind: RecorderKind, stores: Stores, puts: Callable[[], Puts], on_reply: OnReply) -> Recorder:
    """A recorder of a kind that `kind_of` returns; `puts` gives the `stores` opened in this process."""

    def inline() -> Recorder:
        return Inline(puts(), on_reply)

    def apart() -> Recorder:
        return Apart(stores, on_reply, inline)

    make = apart if kind == "process" else inline
    return BySize(make(), make)
