"""mitmclaude: capture, validate and keep Anthropic Messages traffic with mitmproxy."""
