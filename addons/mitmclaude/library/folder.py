"""The URL of a store → the directory of its local cache."""

import os
import sys
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from mitmclaude import directories
from mitmclaude.library.local.state import SCHEMA
from mitmclaude.schemes import split
from mitmclaude.stores.open import identity


def first_of(url: str) -> str:
    """The one of several stores that is read: the first, which holds everything."""
    urls = split(url)
    return urls[0] if len(urls) > 1 else url


def folder_of(url: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the cache of a store is: below the user's cache directory, named after the store and the schema."""
    first = first_of(url)
    plain = first.removeprefix("file:").removeprefix("//") if first.startswith("file:") else first
    name = blake2b(identity(plain).encode(), digest_size=8).hexdigest()
    return Path(directories.cache(environment, sys.platform)).expanduser() / "library" / f"{name}-{SCHEMA}"
