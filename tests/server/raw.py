"""A worker in this process with short time-outs, and clients that send bytes as they like."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from radicale_flowfact.server.connection import Connection
from radicale_flowfact.server.limits import Limits
from radicale_flowfact.server.polling import Poller
from radicale_flowfact.server.sockets import bound
from radicale_flowfact.server.worker import Worker

SHORT = Limits(head_seconds=1.0, idle_seconds=1.5, stall_seconds=1.0, grace_seconds=2.0, sweep_seconds=0.05)


@dataclass
class Echo:
    """Answers with what it was asked; keeps the environments. ``size``: bytes of the answer to GET /large."""

    size: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        """Answer one request."""
        environ["body"] = environ["wsgi.input"].read()
        self.asked.append(environ)
        path = environ["PATH_INFO"]
        if path == "/wait":
            self.gate.wait(20)
        if path == "/raise":
            raise ValueError("a fault")
        headers = [("X-A", "one\r\nX-B: two")] if path == "/split" else [("Content-Type", "text/plain")]
        body = b"x" * self.size if path == "/large" else f"{environ['REQUEST_METHOD']} {path}".encode()
        start("204 No Content" if path == "/nothing" else "200 OK", headers)
        return [body]


@dataclass
class Running:
    """A worker that serves on a port."""

    worker: Worker
    application: Echo
    port: int
    tls: bool = False

    def client(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect from an address of this machine."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))
        if not self.tls:
            return made
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(made)

    def connected(self) -> int:
        """Return how many connections the worker has."""
        return len(self.worker._connections)

    def ask(self, text: str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", source: str = "127.0.0.1") -> bytes:
        """Send one request on a connection of its own; return the answer."""
        with self.client(source) as client:
            client.sendall(text.encode())
            return answer(client)


@contextmanager
def running(
    limits: Limits | None = None,
    proxies: Collection[str] = (),
    largest_body: int = 0,
    polling: Poller[Connection | socket.socket] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Running]:
    """Serve the echo on a free port."""
    listener = bound("127.0.0.1", 0)
    listener.setblocking(False)
    port = listener.getsockname()[1]
    application = Echo()
    worker = Worker(application, proxies, largest_body, limits or SHORT, polling)
    stop = threading.Event()
    thread = threading.Thread(target=worker.serve, args=([listener], tls, stop))
    thread.start()
    try:
        yield Running(worker, application, port, tls is not None)
    finally:
        application.gate.set()
        stop.set()
        thread.join(20)


def answer(client: socket.socket) -> bytes:
    """Read one answer with a Content-Length, or what comes until the connection ends."""
    data = bytearray()
    whole: int | None = None
    while whole is None or len(data) < whole:
        part = client.recv(65536)
        if not part:
            break
        data += part
        whole = _length(data) if whole is None else whole
    return bytes(data)


def _length(data: bytearray) -> int | None:
    """Return how many bytes an answer has; None if its head does not say so, or is not there yet."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    if re.match(rb"HTTP/1.1 (1|204)", data):
        return end + 4
    length = re.search(rb"(?i)content-length: (\d+)", data[:end])
    return end + 4 + int(length[1]) if length else None


def rest(client: socket.socket) -> bytes:
    """Read until the server closes; a reset counts as that."""
    data = b""
    try:
        while part := client.recv(65536):
            data += part
    except ConnectionError:
        pass
    return data


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until something is so; return whether it is."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
