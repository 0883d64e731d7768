"""The script for `mitmdump -s addons/claude.py`: see README.md."""

from mitmclaude.addons import default_addons

addons = default_addons()
