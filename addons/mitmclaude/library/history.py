"""The records of a session and one of its calls → the whole history that the call sent, put together again."""

from collections.abc import Iterable
from typing import Any

from mitmclaude.library.threads import in_order, tail_start
from mitmclaude.record.record import Record


def history(records: Iterable[Record], call: Record) -> list[Any]:
    """The messages of `call` in order; None for one that no record holds."""
    known: dict[str, Any] = {}
    answers: dict[tuple[str, ...], Any] = {}
    for record in in_order(records):
        messages = record.request.cache.messages
        known.update(zip(messages[tail_start(record) :], record.request.input or (), strict=False))
        message = record.response.message if record.response else None
        if record.agent_id == call.agent_id and message and message.get("content"):
            answers[messages] = {"role": "assistant", "content": message["content"]}
    sent = call.request.cache.messages
    return [known.get(one) or answers.get(sent[:index]) for index, one in enumerate(sent)]
