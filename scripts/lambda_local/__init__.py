"""AWS Lambda on your own machine: execution environments behind a Function URL in stream mode."""

from .harness import Local, running
from .log import Line
from .settings import Settings

__all__ = ["Line", "Local", "Settings", "running"]
