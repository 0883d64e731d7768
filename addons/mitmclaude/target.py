"""What a listener with tokens forwards: the API's own paths in their plain form, nothing that names another host."""

import re
from typing import Final, NamedTuple

METHODS: Final = ("GET", "HEAD", "POST", "DELETE")
"""All that the API knows."""

_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_PATH = re.compile(r"/v1/[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.:-]*)*/?")
_OF_EVERYBODY = re.compile(r"POST /v1/messages(?:/count_tokens)?|GET /v1/models(?:/[^/]+)?")
"""What the organisation's key is for; its files, batches and settings are not for whoever holds a token."""


class Problem(NamedTuple):
    """Why a request is not forwarded, and the HTTP status that says so."""

    status: int
    reason: str


def problem(method: str, target: str, authority: str, *, upgrades: bool, injected: bool) -> Problem | None:
    """Why a request must not be forwarded, or None.

    `target` is the path with its query; `authority` the host of an absolute-form target, else empty; `upgrades` tells
    whether the client wants another protocol; `injected` whether it goes out with the organisation's key.
    """
    path = target.partition("?")[0]
    if not method.isalpha() or not method.isascii() or _CONTROL.search(target):
        return Problem(404, "malformed method or target")
    if method == "CONNECT" or authority:
        return Problem(404, "this is no forward proxy: wanted a path such as /v1/messages")
    if upgrades:
        return Problem(404, "protocol upgrades are not served here")
    if not _PATH.fullmatch(path):
        return Problem(404, "only the paths of the Messages API are served here, such as /v1/messages")
    if method not in METHODS:
        return Problem(405, f"wanted one of the methods {', '.join(METHODS)}")
    if injected and not _OF_EVERYBODY.fullmatch(f"{method} {path}"):
        return Problem(
            403,
            "the organisation's key is for POST /v1/messages, POST /v1/messages/count_tokens and GET /v1/models only: "
            "for anything else send a credential of your own, and the token as x-capture-token",
        )
    return None
