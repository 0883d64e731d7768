"""Several addons as one, in order: mitmproxy asks every addon of its chain for every hook, some 2 µs each time.

A fault in one part hurts neither the others nor the record: it is logged, and the next part is called. At the start
and when options change nothing is caught, as mitmproxy has to know of it.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mitmproxy.hooks import all_hooks

logger = logging.getLogger(__name__)

LIFE = ("load", "configure", "running", "done")
"""Hooks of mitmproxy's own life."""

type Method = Callable[..., Awaitable[None] | None]


class Pipeline:
    """The addon that mitmproxy knows; it has the hooks that at least one part has."""

    name = "claude"

    def __init__(self, parts: Sequence[object]) -> None:
        self.parts = tuple(parts)
        for hook in all_hooks:
            methods = [method for part in self.parts if (method := getattr(part, hook, None)) is not None]
            if methods:
                setattr(self, hook, _life(methods) if hook in LIFE else _calls(hook, methods))


def _life(methods: Sequence[Method]) -> Method:
    def call(*args: Any) -> None:
        for method in methods:
            method(*args)

    return call


def _calls(hook: str, methods: Sequence[Method]) -> Method:
    steps = [(method, inspect.iscoroutinefunction(method)) for method in methods]

    async def call_and_wait(*args: Any) -> None:
        for method, waits in steps:
            try:
                if waits:
                    await method(*args)  # type: ignore[misc]
                else:
                    method(*args)
            except Exception:
                logger.exception("mitmclaude: a fault in %s", hook)

    def call(*args: Any) -> None:
        for method, _ in steps:
            try:
                method(*args)
            except Exception:
                logger.exception("mitmclaude: a fault in %s", hook)

    return call_and_wait if any(waits for _, waits in steps) else call
