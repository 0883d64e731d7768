"""An endpoint of S3 and DynamoDB on loopback that takes puts, and fails as a test wants it."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

type Fault = Literal["none", "500", "throttle", "reset", "hang", "slow", "flaky", "denied", "missing"]

SLOW = 1.0
"""Seconds that a slow answer takes."""

_CODES: dict[str, tuple[int, str, str]] = {  # status, code of S3, code of DynamoDB
    "500": (500, "InternalError", "InternalServerError"),
    "throttle": (503, "SlowDown", "ProvisionedThroughputExceededException"),
    "denied": (403, "AccessDenied", "AccessDeniedException"),
    "missing": (404, "NoSuchBucket", "ResourceNotFoundException"),
}


class Endpoint:
    """`fault` holds for both services from the next request on; what hangs goes on once it is another."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        """What S3 took, by key."""
        self.items: dict[str, dict[str, Any]] = {}
        """The items of objects that DynamoDB took, by key."""
        self.asked = 0
        self._fault: Fault = "none"
        self._changed = threading.Condition()
        self.url = ""

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        with self._changed:
            self._fault = fault
            self._changed.notify_all()

    def keys(self, prefix: str) -> set[str]:
        """The keys of S3 that begin with `prefix`."""
        return {key for key in list(self.objects) if key.startswith(prefix)}

    def faulty(self) -> Fault:
        """What becomes of this request."""
        with self._changed:
            self.asked += 1
            fault = self._fault
            if fault == "flaky":
                return "500" if self.asked % 2 else "none"
            if fault == "hang":
                self._changed.wait_for(lambda: self._fault != "hang")
                return "reset"
        if fault == "slow":
            time.sleep(SLOW)
            return "none"
        return fault

    def take(self, method: str, path: str, target: str, body: bytes) -> None:
        """Keep what was put."""
        if method == "PUT":
            self.objects[path.partition("?")[0].split("/", 2)[2].replace("%3D", "=")] = body
        elif target.endswith(".PutItem"):
            item = json.loads(body)["Item"]
            if item["part"]["S"] == "object":
                self.items[item["key"]["S"]] = item


@contextmanager
def serving() -> Iterator[Endpoint]:
    """An endpoint that runs in threads of this process."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            target = self.headers.get("x-amz-target", "")
            fault = endpoint.faulty()
            if fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
            elif fault in _CODES:
                self.answer(*failed(fault, is_s3=not target))
            else:
                endpoint.take(self.command, self.path, target, body)
                self.answer(200, b"{}" if target else b"")

        do_POST = do_PUT  # noqa: N815  the name that http.server looks for

        def answer(self, status: int, body: bytes) -> None:
            self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """Nothing: clients go away, as it should be."""

    server = Server(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield endpoint
    finally:
        endpoint.fault = "none"
        server.shutdown()
        server.server_close()


def failed(fault: str, *, is_s3: bool) -> tuple[int, bytes]:
    """Status and body of an answer that tells a failure."""
    status, s3, dynamodb = _CODES[fault]
    if is_s3:
        return status, f"<Error><Code>{s3}</Code><Message>no</Message></Error>".encode()
    return (status if fault == "500" else 400), json.dumps({"__type": f"x#{dynamodb}", "message": "no"}).encode()
