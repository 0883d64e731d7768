"""A store in memory: for tests, and for a look that leaves nothing behind."""

from collections.abc import Iterator

from mitmclaude.stores.protocol import checked


class MemoryStore:
    """Keeps objects until the process ends, without bound."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def check(self) -> None:
        """Memory is always there."""

    def put(self, key: str, content: bytes) -> None:
        self._objects[checked(key)] = bytes(content)

    def get(self, key: str) -> bytes:
        return self._objects[checked(key)]

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(sorted(key for key in tuple(self._objects) if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        self._objects.pop(checked(key), None)


def opened(url: str) -> MemoryStore:
    """The store at ``memory:``, a new one each time."""
    if url.partition(":")[2].strip("/"):
        raise ValueError(f"wanted memory:, found {url!r}")
    return MemoryStore()
