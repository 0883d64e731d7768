"""Fake credentials, and where they must not be found."""

import json
import random
import string
from pathlib import Path
from urllib.parse import quote

from tests.e2e.proxy import decompressed

CHOICE = random.Random(7)


def canary(prefix: str, length: int = 40) -> str:
    """A fake credential that is found again: its random part is unlike anything else in the files."""
    return prefix + "".join(CHOICE.choices(string.ascii_letters + string.digits, k=length - 2)) + "7Q"


HEADERS = {
    "authorization": ("Bearer ", canary("sk-ant-oat01-")),
    "x-api-key": ("", canary("sk-ant-api03-")),
    "x-capture-token": ("", canary("tok-")),
    "proxy-authorization": ("Basic ", canary("dXNlcjpw")),
    "cookie": ("session=", canary("cook")),
    "x-amz-security-token": ("", canary("FwoG")),
    "x-my-secret-thing": ("", canary("plain")),
    "x-note": ("look: ", canary("ghp_", 36)),
}
QUERY = {"api_key": canary("query-"), "access_token": canary("sk-ant-api03-")}
BODY = {
    "anthropic": canary("sk-ant-api03-", 80),
    "openai": canary("sk-proj-", 80),
    "github": canary("ghp_", 36),
    "aws": "AKIA" + canary("", 16).upper()[:16],
    "google": canary("AIza", 36)[:39],
    "slack": canary("xoxb-1234567890-", 24),
    "jwt": ".".join((canary("eyJ"), canary("eyJ"), canary(""))),
    "pem": "-----BEGIN PRIVATE KEY-----\n" + canary("MII", 60) + "\n" + canary("", 64) + "\n-----END PRIVATE KEY-----",
}
SECRETS = [value for _, value in HEADERS.values()] + list(QUERY.values())
SECRETS += [part for value in BODY.values() for part in value.split("\n") if not part.startswith("---")]


def request_body(*, streams: bool = True) -> bytes:
    text = "\n".join(f"{name}: {value}" for name, value in BODY.items())
    message = {"role": "user", "content": [{"type": "text", "text": text}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": text}]}
    return json.dumps(
        {"model": "claude-opus-5-5", "max_tokens": 64, "stream": streams, "system": text, "messages": [message, result]}
    ).encode()


def everything(folder: Path, output: str) -> dict[str, bytes]:
    """Every file below the folder, decompressed, by name, and the output."""
    return {"output": output.encode()} | {
        str(path): decompressed(path) for path in folder.rglob("*") if path.is_file() and "mitmproxy-" not in path.name
    }


def assert_clean(found: dict[str, bytes], secrets: list[str]) -> None:
    assert any("records" in name for name in found)
    for name, content in found.items():
        for secret in secrets:
            for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
                assert form.encode() not in content, f"{form[:16]}… in {name}"
