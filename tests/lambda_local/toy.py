"""A web app of the standard library for the function's side: `python toy.py PORT`. Each path misbehaves in its own way."""

import hashlib
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TICK = 0.02  # seconds between two steps of the counter that runs in the background
STARTED = time.time()
ticks = 0


def tick() -> None:
    global ticks
    while True:
        time.sleep(TICK)
        ticks += 1


class Toy(BaseHTTPRequestHandler):
    """`GET /ready` is the readiness check; `?…` gives a path its numbers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version = "toy/1"

    def answer(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.numbers = {
            name: float(values[0]) for name, values in query.items() if values[0].replace(".", "").isdigit()
        }
        self.content = self.rfile.read(int(self.headers.get("content-length") or 0))
        getattr(self, "answer_" + path.strip("/").partition("/")[0], self.answer_echo)()

    do_GET = do_POST = do_HEAD = do_PUT = answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        if "/ready" not in self.path:
            print("toy:", format % args, flush=True)

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, value: object) -> None:
        self.send(json.dumps(value).encode(), content_type="application/json")

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def answer_ready(self) -> None:
        self.send(b"ready")

    def answer_echo(self) -> None:
        """What arrived, and how often each header name did."""
        self.send_json(
            {
                "method": self.command,
                "target": self.path,
                "headers": [[name.lower(), value] for name, value in self.headers.items()],
                "body": self.content.decode("latin-1"),
                "sha256": hashlib.sha256(self.content).hexdigest(),
            }
        )

    def answer_environment(self) -> None:
        self.send_json(dict(os.environ))

    def answer_stream(self) -> None:
        """`n` events, `gap` seconds apart; says on stdout when it has sent the last."""
        self.start_stream()
        for number in range(int(self.numbers.get("n", 3))):
            time.sleep(self.numbers.get("gap", 0) if number else 0)
            self.send_chunk(b"data: %d\n\n" % number)
        self.send_chunk(b"")
        print("toy: stream complete", flush=True)

    def answer_zeros(self) -> None:
        """`mb` megabytes."""
        self.send(b"\0" * int(self.numbers["mb"] * (1 << 20)))

    def answer_cut(self) -> None:
        """Half of an answer, then the end of the connection."""
        self.start_stream()
        self.send_chunk(b"data: half\n\n")
        self.close_connection = True

    def answer_sleep(self) -> None:
        time.sleep(self.numbers["seconds"])
        self.send(b"slept")

    def answer_ticks(self) -> None:
        self.send_json({"ticks": ticks, "pid": os.getpid(), "started": STARTED})

    def answer_cookies(self) -> None:
        self.send_response(201)
        for name, value in [("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2"), ("www-authenticate", "Basic")]:
            self.send_header(name, value)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def answer_twice(self) -> None:
        self.send_response(200)
        for value in ("one", "two"):
            self.send_header("x-twice", value)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def answer_empty(self) -> None:
        self.send(b"", 200, request_id="r1")

    def answer_binary(self) -> None:
        self.send(bytes(range(256)), content_type="application/octet-stream")

    def answer_crash(self) -> None:
        os._exit(3)

    def answer_crash_later(self) -> None:
        self.start_stream()
        self.send_chunk(b"data: half\n\n")
        time.sleep(0.5)  # for the adapter to pass it on
        os._exit(4)


def main() -> None:
    """Says on stdout when SIGTERM came; `stubborn` as second argument ignores it."""
    stubborn = "stubborn" in sys.argv

    def terminate(*_: object) -> None:
        print("toy: got SIGTERM", flush=True)
        if not stubborn:
            os._exit(0)

    signal.signal(signal.SIGTERM, terminate)
    threading.Thread(target=tick, daemon=True).start()
    print("toy: started", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Toy).serve_forever()


if __name__ == "__main__":
    main()
