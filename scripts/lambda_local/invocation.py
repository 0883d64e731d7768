"""One event on its way through a function, and the answer that comes back piece by piece."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Protocol

from .prelude import CONTENT_TYPE, Prelude, PreludeReader


class Answer(Protocol):
    """Where an answer goes: `head`, `body` as often as it comes, then `end`; or `fail` at any point. Never raises."""

    async def head(self, prelude: Prelude) -> None: ...

    async def body(self, data: bytes) -> None: ...

    async def end(self) -> None: ...

    async def fail(self, error: str, status: int = 502) -> None: ...


@dataclass
class Invocation:
    """An event as JSON and where its answer goes. Over as soon as it was ended or failed, whatever comes later."""

    event: bytes
    answer: Answer
    trace_id: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    error: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: PreludeReader | None = None

    async def begin(self, content_type: str) -> bool:
        """The runtime began to answer: with a prelude, or else all of it is body, of the type that it names."""
        if content_type.partition(";")[0].strip().lower() == CONTENT_TYPE:
            self._reader = PreludeReader()
            return True
        await self.answer.head(Prelude(headers=(("content-type", content_type or "application/octet-stream"),)))
        return False

    async def receive(self, data: bytes) -> None:
        """The next bytes of the response. `ValueError` where it should begin with a prelude and does not."""
        if self.over.is_set():
            return
        if self._reader is not None:
            before = self._reader.prelude
            data = self._reader.feed(data)
            if before is None and self._reader.prelude is not None:
                await self.answer.head(self._reader.prelude)
        if data:
            await self.answer.body(data)

    async def finish(self) -> None:
        """The runtime has sent the last byte."""
        if self._reader is not None and self._reader.prelude is None:
            await self.fail("the response ended within its prelude")
        elif not self.over.is_set():
            self.over.set()
            await self.answer.end()

    async def fail(self, error: str, status: int = 502) -> None:
        """No more of the answer will come; the first reason counts."""
        if not self.over.is_set():
            self.error = error
            self.over.set()
            await self.answer.fail(error, status)


@dataclass
class Collected:
    """An answer kept whole, for callers that are no HTTP clients."""

    prelude: Prelude | None = None
    content: bytearray = field(default_factory=bytearray)
    error: str = ""

    async def head(self, prelude: Prelude) -> None:
        self.prelude = prelude

    async def body(self, data: bytes) -> None:
        self.content += data

    async def end(self) -> None:
        pass

    async def fail(self, error: str, status: int = 502) -> None:
        self.error = error
