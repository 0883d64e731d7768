"""A request body → findings, and what a record keeps of it."""
