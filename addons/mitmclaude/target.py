"""What a public listener forwards: the API's own paths, in their plain form, and nothing that names another host."""

import re

_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_PATH = re.compile(r"/v1/[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.:-]*)*/?")


def problem(method: str, target: str, authority: str, upgrades: bool) -> str | None:
    """Why a request must not be forwarded, or None.

    `target` is the path with its query; `authority` the host of an absolute-form target, else empty; `upgrades` tells
    whether the client wants another protocol.
    """
    if not method.isalpha() or not method.isascii() or _CONTROL.search(target):
        return "malformed method or target"
    if method == "CONNECT" or authority:
        return "this is no forward proxy: wanted a path such as /v1/messages"
    if upgrades:
        return "protocol upgrades are not served here"
    if not _PATH.fullmatch(target.partition("?")[0]):
        return "only the paths of the Messages API are served here, such as /v1/messages"
    return None
