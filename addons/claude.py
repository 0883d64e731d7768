"""The script for `mitmdump -s addons/claude.py`: see README.md."""

from mitmclaude.recorder.spawn import spawn_ahead

spawn_ahead()  # before the imports that take time: the recorder has its own to do meanwhile

from mitmclaude.addons import default_addons  # noqa: E402

addons = default_addons()
