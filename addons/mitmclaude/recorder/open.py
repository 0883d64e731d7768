"""Choose and make the recorder that the options ask for."""

from collections.abc import Callable

from mitmclaude.options import RecorderKind
from mitmclaude.recorder.apart import Apart
from mitmclaude.recorder.by_size import BySize
from mitmclaude.recorder.messages import Stores
from mitmclaude.recorder.protocol import OnReply, Puts, Recorder
from mitmclaude.recorder.spawn import can_be_had


def kind_of(wanted: RecorderKind) -> RecorderKind:
    """The kind of recorder for `auto`: a process where there is a second core for it, and a way to start it."""
    if wanted != "auto":
        return wanted
    return "process" if can_be_had() else "inline"


def open_recorder(kind: RecorderKind, stores: Stores, puts: Callable[[], Puts], on_reply: OnReply) -> Recorder:
    """A recorder of a kind that `kind_of` returns; `puts` gives the `stores` opened in this process."""

    def inline() -> Recorder:
        from mitmclaude.recorder.inline import Inline  # only here: it loads all that a recorder does

        return Inline(puts(), on_reply)

    def apart() -> Recorder:
        return Apart(stores, on_reply, inline)

    make = apart if kind == "process" else inline
    return BySize(make(), make)
