"""An HTTP proxy that injects faults, on loopback, in front of the S3 and Glue server of the tests."""

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

#: ``lost``: the request is executed, and the connection reset before the response. ``broken``: the response ends in the
#: middle of its body. ``status``: an error response. ``error_body``: status 200 with an error in the body. ``slow``: the
#: response is delayed by ``seconds``. ``silent``: no response. ``gone``: the port is closed, for ``seconds`` or
#: permanently.
Kind = Literal["lost", "broken", "status", "error_body", "slow", "silent", "gone"]

_UPSTREAM_SECONDS: Final = 60
_HOP_BY_HOP: Final = ("connection", "expect", "transfer-encoding", "content-length")


@dataclass
class Fault:
    """A fault, and the requests that it affects.

    Attributes:
        match: A pattern that is searched in ``METHOD /path?query``; ``COPY`` is a PUT that copies.
        after: The number of matching requests that succeed first.
        every: Of the following requests, every nth fails.
        times: Maximum number of failures; None for no limit.
    """

    kind: Kind
    match: str = ""
    after: int = 0
    every: int = 1
    times: int | None = None
    status: int = 503
    code: str = "SlowDown"
    seconds: float | None = None
    hits: int = 0
    seen: int = 0

    def hit(self, request: str) -> bool:
        """Count a request, and return whether it fails."""
        if not re.search(self.match, request):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        if (self.seen - self.after) % self.every:
            return False
        self.hits += 1
        return True


@dataclass
class FaultProxy:
    """The proxy; ``faults`` may change at any time, ``requests`` are those since ``reset``."""

    upstream: tuple[str, int]
    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: Any = None
    _connections: set[socket.socket] = field(default_factory=set)
    _closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self, *faults: Fault) -> None:
        """Start over with these faults and an open port."""
        with self._lock:
            self.faults, self.requests = list(faults), []
        self._closing.set()
        self._closing = threading.Event()
        if self._server is None:
            self.open()

    def open(self) -> None:
        """Listen on the same port as before."""
        proxy = self

        class Handler(_Handler):
            pass

        Handler.proxy = proxy
        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def close(self) -> None:
        """Stop listening, and reset all connections."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        self._closing.set()
        for connection in list(self._connections):
            reset_connection(connection)

    def leave(self, seconds: float | None) -> None:
        """Close the port for some seconds, or until ``reset``."""
        self._closing = closing = threading.Event()
        self.close()
        closing.clear()
        if seconds is not None and not closing.wait(seconds) and self._server is None:
            self.open()

    def fault_for(self, request: str) -> Fault | None:
        """Record a request, and return its fault."""
        with self._lock:
            self.requests.append(request)
            return next((fault for fault in self.faults if fault.hit(request)), None)


@contextmanager
def fault_proxy(upstream: tuple[str, int]) -> Iterator[FaultProxy]:
    """A proxy on a free loopback port."""
    proxy = FaultProxy(upstream)
    proxy.open()
    try:
        yield proxy
    finally:
        proxy.close()


def reset_connection(connection: socket.socket) -> None:
    """Close a connection with a TCP reset."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
        connection.close()
    except OSError:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.proxy._connections.add(self.request)

    def finish(self) -> None:
        self.proxy._connections.discard(self.request)
        with suppress(OSError, ValueError):
            super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError, http.client.HTTPException):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def forward(self) -> None:
        body = self._body()
        method = "COPY" if "x-amz-copy-source" in self.headers else self.command
        fault = self.proxy.fault_for(f"{method} {self.path}")
        if fault and self._refuse(fault):
            return
        answer = self._ask(body)
        if fault and fault.kind == "lost":
            self._reset()
        else:
            self._pass_on(*answer, is_broken=fault is not None and fault.kind == "broken")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815

    def _refuse(self, fault: Fault) -> bool:
        """Apply a fault that precedes the request; return whether the request must not be executed."""
        match fault.kind:
            case "gone":
                self._reset()
                threading.Thread(target=self.proxy.leave, args=[fault.seconds], daemon=True).start()
            case "silent":
                self.proxy._closing.wait(_UPSTREAM_SECONDS)
                self._reset()
            case "status" | "error_body":
                self._say(200 if fault.kind == "error_body" else fault.status, *self._error(fault))
            case "slow":
                time.sleep(fault.seconds or 0)
        return fault.kind in ("gone", "silent", "status", "error_body")

    def _pass_on(self, status: int, headers: list[tuple[str, str]], answer: bytes, *, is_broken: bool) -> None:
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(answer)))
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer[: len(answer) // 2] if is_broken else answer)
        self.wfile.flush()
        if is_broken:
            time.sleep(0.05)  # a reset discards data that is still in flight
            self._reset()

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(*self.proxy.upstream, timeout=_UPSTREAM_SECONDS)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    upstream.putheader(name, value)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _error(self, fault: Fault) -> tuple[str, bytes]:
        if self.headers.get("X-Amz-Target"):
            return "application/x-amz-json-1.1", f'{{"__type":"{fault.code}","message":"injected"}}'.encode()
        text = f"<Error><Code>{fault.code}</Code><Message>injected</Message><RequestId>R</RequestId></Error>"
        return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()

    def _say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _reset(self) -> None:
        self.close_connection = True
        reset_connection(self.connection)
