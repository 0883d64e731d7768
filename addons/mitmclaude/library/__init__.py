"""The read side: what the captures of a store tell, read through a local cache of it."""
