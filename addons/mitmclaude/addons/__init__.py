"""The addons, one concern a file."""
