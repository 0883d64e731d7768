"""mitmclaude: capture, validate and keep Anthropic Messages traffic with mitmproxy."""

__version__ = "0.2.0"
