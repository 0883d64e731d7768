"""HTTP/1.1 bytes for the local upstream of the tests: read a request, write a head, make a certificate."""

import asyncio
import datetime as dt
import http
import ipaddress
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.scenarios import API_HEADERS, Answer

Header = tuple[bytes, bytes]


def head(answer: Answer, request_id: str) -> bytes:
    """Status line and headers of an answer."""
    named = {name.lower() for name, _ in answer.headers}
    headers = [pair for pair in API_HEADERS if pair[0] not in named]
    headers += [*answer.headers, ("request-id", request_id)]
    if answer.framing == "chunked":
        headers.append(("transfer-encoding", "chunked"))
    elif answer.framing == "length":
        length = answer.missing + sum(len(p) for p in answer.pieces if isinstance(p, bytes))
        headers.append(("content-length", str(length)))
    reason = "Overloaded" if answer.status == 529 else http.HTTPStatus(answer.status).phrase
    lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, str, list[Header], bytes] | None:
    """Method, target, headers and body of the next request of a connection, None at its end."""
    try:
        start = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = start[:-4].split(b"\r\n")
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    low = {name.lower(): value for name, value in headers}
    if low.get(b"expect", b"").lower() == b"100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if low.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(low.get(b"content-length", b"0")))
    return method, target, headers, body


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return bytes(body)


def self_signed() -> ssl.SSLContext:
    """A server context with a certificate for 127.0.0.1 that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        (file := Path(folder, "both.pem")).write_bytes(pem)
        context.load_cert_chain(file)
    return context
