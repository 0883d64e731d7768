"""Which of mitmproxy's tools we run in."""

from mitmproxy import ctx
from mitmproxy.tools.dump import DumpMaster


def is_mitmdump() -> bool:
    """Whether this is mitmdump, where nobody changes options while looking on."""
    return isinstance(ctx.master, DumpMaster)
