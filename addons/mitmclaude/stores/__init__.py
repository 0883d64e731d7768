"""Stores: where records and flows are kept, behind one small protocol."""

from mitmclaude.stores.open import open_store
from mitmclaude.stores.protocol import Store

__all__ = ["Store", "open_store"]
