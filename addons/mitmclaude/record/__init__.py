"""The record of an exchange, and the forms in which it is shown and counted."""
