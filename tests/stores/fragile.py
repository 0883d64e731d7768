"""A store in memory that fails, hangs or refuses as a test wants it."""

import threading

from mitmclaude.stores.memory import MemoryStore


class Fragile(MemoryStore):
    """Fails with `error` while that is set, hangs while `goes_on` is clear, never takes a key in `unfit`."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.unfit: dict[str, Exception] = {}
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.tries = 0
        self.done: list[tuple[str, bytes]] = []
        """The puts that succeeded, in order."""
        self._counting = threading.Lock()

    def check(self) -> None:
        self._fail()

    def put(self, key: str, content: bytes) -> None:
        with self._counting:
            self.tries += 1
        self._fail()
        if error := next((error for begin, error in self.unfit.items() if key.startswith(begin)), None):
            raise error
        super().put(key, content)
        self.done.append((key, content))

    def _fail(self) -> None:
        assert self.goes_on.wait(30), "nobody lets it go on"
        if self.error:
            raise self.error
