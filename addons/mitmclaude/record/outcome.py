"""Decide the typed outcome of an exchange."""

from typing import Literal, get_args

from mitmclaude.answer.fold import Folded
from mitmclaude.exchange import Exchange

type Outcome = Literal[
    "complete",
    "api_error",
    "stream_error",
    "truncated",
    "client_aborted",
    "unreachable",
    "rejected",
    "shutdown",
]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome.__value__)


def outcome(exchange: Exchange, folded: Folded | None) -> Outcome:
    """The outcome; `folded` is the stream of a streamed message, else None.

    A stream that came to its ``message_stop`` is complete even where the client, which had all it needed, hung up.
    """
    if exchange.end == "rejected":
        return "rejected"
    answered = exchange.response is not None
    if answered and folded is not None and (folded.error is not None or folded.stopped):
        return "stream_error" if folded.error is not None else "complete"
    match exchange.end:
        case "client_gone":
            return "client_aborted"
        case "shutdown":
            return "shutdown"
        case "upstream_failed":
            return "truncated" if answered else "unreachable"
    status = exchange.response.status if exchange.response else 200
    if status >= 400:
        return "api_error"
    if status < 200:  # an interim response, which mitmproxy takes for the answer
        return "truncated"
    return "truncated" if folded is not None else "complete"
