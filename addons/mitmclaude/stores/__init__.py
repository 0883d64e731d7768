"""Stores: where records and flows are kept, behind one small protocol."""

from mitmclaude.stores.keeper import Keeper
from mitmclaude.stores.open import open_keeper, open_store
from mitmclaude.stores.protocol import RefusedError, Store

__all__ = ["Keeper", "RefusedError", "Store", "open_keeper", "open_store"]
