"""The bytes of an answer → events → the message that they build."""
