"""The calls of one agent → for each the earlier call whose cache entry it can be expected to read.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching: a prompt is found again from its beginning. The
earlier call is not simply the one with the longest common beginning: where a message near the beginning was put in and
taken out again, that would be one of long ago.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mitmclaude.library.threads import common, tail_start
from mitmclaude.record.record import Record


class Predecessor(NamedTuple):
    """An earlier call, and how many messages at its beginning the later one repeats."""

    call: Record
    shared: int
    is_whole: bool
    """Whether the later call repeats it whole; else its history was edited."""


type Found = Predecessor | Literal["first", "branch"]
"""``first``: no earlier call has a message of this one. ``branch``: it only ends in another way than an earlier one."""


@dataclass(slots=True)
class Prefixes:
    """Earlier calls by the beginnings of their histories; a beginning is the hash of the hashes of its messages."""

    _whole: dict[int, Record] = field(default_factory=dict)
    """The latest call that is this beginning."""
    _having: dict[str, Record] = field(default_factory=dict)
    """The latest call that has this message, wherever."""

    def add(self, call: Record) -> None:
        """Let later calls be compared with `call`, which has written to the cache, or could have."""
        beginning = 0
        for message in call.request.cache.messages:
            beginning = hash((beginning, message))
            self._having[message] = call
        self._whole[beginning] = call

    def predecessor(self, call: Record) -> Found:
        """The latest call that has the last message of `call` which any earlier call has."""
        messages = call.request.cache.messages
        latest = next((self._having[one] for one in reversed(messages) if one in self._having), None)
        if latest is None:
            return "first"
        shared = common(latest.request.cache.messages, messages)
        if shared == len(latest.request.cache.messages):
            return Predecessor(latest, shared, True)
        return "branch" if shared and shared >= tail_start(call) else Predecessor(latest, shared, False)

    def wholes(self, call: Record) -> list[Predecessor]:
        """The calls that `call` repeats whole, the longest last."""
        found = ((n, self._whole.get(one)) for n, one in enumerate(_beginnings(call.request.cache.messages), 1))
        return [Predecessor(one, count, True) for count, one in found if one is not None]


def _beginnings(messages: tuple[str, ...]) -> list[int]:
    found, beginning = [], 0
    for message in messages:
        beginning = hash((beginning, message))
        found.append(beginning)
    return found
