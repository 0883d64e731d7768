"""Prompt caching marks: https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""

from typing import Annotated

from mitmclaude.schema.base import Known, Wire


class CacheControl(Wire):
    type: Annotated[str, Known("ephemeral")]
    ttl: Annotated[str, Known("5m", "1h")] | None = None
    scope: Annotated[str, Known("global")] | None = None  # first-party Claude Code; in no SDK type


class Cached(Wire):
    """What may end a cached prefix."""

    cache_control: CacheControl | None = None
