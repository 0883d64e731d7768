"""The kinds of store: how the URL of each looks, and where its code is. A new store is one file and one line here."""

import re
from typing import Final, NamedTuple


class Scheme(NamedTuple):
    """A kind of store."""

    name: str
    """What stands before the colon of its URLs."""
    form: str
    """How its URLs look."""
    made_by: str
    """``module:callable``, which takes the whole URL. ValueError for a wrong one; no network is waited for."""
    is_remote: bool = False
    """Whether it is reached over a network: its client tries again by itself, and its URL takes options."""

    @property
    def short(self) -> str:
        """`form` without what differs from store to store."""
        return f"{self.name}://…" if "://" in self.form else self.form


SCHEMES: Final = (
    Scheme("memory", "memory:", "mitmclaude.stores.memory:opened"),
    Scheme("file", "file:/directory", "mitmclaude.stores.file:opened"),
    Scheme("s3", "s3://bucket/prefix", "mitmclaude.stores.s3:S3Store", is_remote=True),
    Scheme("dynamodb", "dynamodb://table", "mitmclaude.stores.dynamodb:DynamoDBStore", is_remote=True),
)
"""A directory may also be given by its path alone."""

_BY_NAME: Final = {scheme.name: scheme for scheme in SCHEMES}
_NAMES: Final = "|".join(_BY_NAME)
_BETWEEN: Final = re.compile(rf"[,\s]+(?=(?:{_NAMES}):)")
_LIST: Final = re.compile(rf",\s*[/~]|^(?:{_NAMES}):.*,")

FORMS: Final = ", ".join(["a directory", *(scheme.form for scheme in SCHEMES if scheme.name != "file")])
"""How a store can be given, for the text of an option."""

_SHORT: Final = ["a directory", *(scheme.short for scheme in SCHEMES if scheme.name != "file")]


def split(urls: str) -> list[str]:
    """The URLs in a list with commas or blanks between; a directory, which may have both in its name, is its own list.

    In a list a directory is written ``file:/path``.
    """
    found = _BETWEEN.split(urls.strip(", \t\n"))
    return found if len(found) > 1 else [urls]


def scheme_of(url: str) -> Scheme | None:
    """The kind of the store at `url`; None for the path of a directory. ValueError for one that is neither."""
    name, colon, _ = url.partition(":")
    if colon and name in _BY_NAME:
        return _BY_NAME[name]
    if _LIST.search(url):
        raise ValueError(f"in a list of stores a directory is written file:/path, found {url!r}")
    if "://" in url:
        raise ValueError(f"wanted {', '.join(_SHORT[:-1])} or {_SHORT[-1]}, found {url!r}")
    return None


def directory_of(url: str) -> str | None:
    """The path of the one directory that `url` names; None for any other store, and for several."""
    if len(split(url)) > 1:
        return None
    scheme = scheme_of(url)
    if scheme is not None and scheme.name != "file":
        return None
    return url.removeprefix("file:").removeprefix("//") if scheme else url
