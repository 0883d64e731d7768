"""Several stores as one: ``s3://bucket/prefix,dynamodb://table``.

The first holds everything. The others hold the records alone, to be found and listed by; raw flows are large, and
belong where storage is cheap.
"""

from collections.abc import Callable, Iterator, Sequence

from mitmclaude.stores.protocol import Store, checked


class Several:
    """Puts a record into each of `stores`, anything else into the first; gets from the first that has it.

    A store that fails does not keep the others from their part; all that failed are named when all were tried. What
    they took then stays: to put again is harmless.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = tuple(stores)

    def check(self) -> None:
        _each(self.stores, lambda store: store.check())

    def put(self, key: str, content: bytes) -> None:
        stores = self.stores if checked(key).startswith("records/") else self.stores[:1]
        _each(stores, lambda store: store.put(key, content))

    def get(self, key: str) -> bytes:
        failures = []
        for store in self.stores:
            try:
                return store.get(key)
            except KeyError:
                continue
            except OSError as error:
                failures.append(str(error))
        _raise(failures)
        raise KeyError(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(sorted({key for store in self.stores for key in store.keys(prefix)}))

    def delete(self, key: str) -> None:
        _each(self.stores, lambda store: store.delete(key))


def _each(stores: Sequence[Store], use: Callable[[Store], None]) -> None:
    failures = []
    for store in stores:
        try:
            use(store)
        except OSError as error:
            failures.append(str(error))
    _raise(failures)


def _raise(failures: Sequence[str]) -> None:
    if failures:
        raise OSError("; ".join(failures))
