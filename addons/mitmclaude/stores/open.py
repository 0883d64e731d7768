"""Open a store by its URL."""

from collections.abc import Mapping
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

from mitmclaude.schemes import SCHEMES, scheme_of, split
from mitmclaude.stores.file import FileStore, directory
from mitmclaude.stores.keeper import Keeper
from mitmclaude.stores.protocol import Store
from mitmclaude.stores.several import Several
from mitmclaude.stores.spool import LOCK, Spool
from mitmclaude.stores.spooled import PAUSES, Spooled

(_FILE,) = (scheme for scheme in SCHEMES if scheme.name == "file")


def open_store(url: str) -> Store:
    """The store that `url` names; ValueError where it names none. Nothing is asked of a network yet.

    `url` is of one of the kinds in `schemes`, the path of a directory, or a list of URLs with commas between.
    """
    urls = split(url)
    return _open_one(url) if len(urls) == 1 else Several([_open_one(each) for each in urls])


def open_keeper(url: str, spool: str, environment: Mapping[str, str]) -> Keeper:
    """What keeps objects in each store that `url` names; ValueError and time as `open_store`.

    Each store has a spool of its own below the directory `spool`, or below the user's state directory.
    """
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    below = directory(spool or f"{state}/mitmclaude/spool")
    return Keeper([_spooled(each, below) for each in split(url)])


def _spooled(url: str, below: Path) -> Spooled:
    scheme = scheme_of(url) or _FILE
    root = below / blake2b(identity(url).encode(), digest_size=8).hexdigest()
    spool = Spool(FileStore(root), root / LOCK)
    name = url.partition("?")[0] if scheme.is_remote else url
    pauses = () if scheme.is_remote else PAUSES
    return Spooled(_open_one(url), spool, name=name, pauses=pauses, is_local=not scheme.is_remote)


def _open_one(url: str) -> Store:
    module, _, name = (scheme_of(url) or _FILE).made_by.partition(":")
    made: Store = getattr(import_module(module), name)(url)
    return made


def identity(url: str) -> str:
    """What spool and local cache are named after: the same for the same store, whatever its other options are."""
    if not (scheme_of(url) or _FILE).is_remote:
        return str(Path(url).expanduser().absolute())
    place, _, query = url.partition("?")
    where = [option for option in query.split("&") if option.startswith(("endpoint=", "region="))]
    return "?".join([place, *sorted(where)])
