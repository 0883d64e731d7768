"""The local cache of a store."""
