"""Measures idle polls from many devices at once, in one thread that writes and reads all their connections."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field

from bench import bodies
from bench.client import AnswerError, encode, keeps_connection, parse_head
from bench.servers import Server
from bench.visit import DEPTH_0


def polls_per_second(server: Server, clients: int, seconds: float) -> float:
    """Return how many polls a second are answered to so many clients that each ask again at once.

    What is still under way at the end counts for nothing.
    """
    request = encode("PROPFIND", server.place.addresses, bodies.POLL, DEPTH_0, server.credentials)
    answered = 0
    with selectors.DefaultSelector() as waiting:
        devices = [_Device(server.port, request) for _ in range(clients)]
        start = time.perf_counter()
        for device in devices:
            device.ask(waiting)
        while (left := start + seconds - time.perf_counter()) > 0:
            for key, _ in waiting.select(left):
                answered += key.data.go_on(waiting)
        took = time.perf_counter() - start
        for device in devices:
            device.close(waiting)
    return answered / took


@dataclass
class _Device:
    """One client: it asks, waits for the whole answer, and asks again. It never waits for another one."""

    port: int
    request: bytes
    _line: socket.socket | None = None
    _heard: bytearray = field(default_factory=bytearray)

    def ask(self, waiting: selectors.BaseSelector) -> None:
        """Ask on the open connection, or open one and ask as soon as it is there."""
        self._heard.clear()
        if self._line is not None:
            self._line.sendall(self.request)
            return
        self._line = socket.socket()
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line.setblocking(False)
        self._line.connect_ex(("127.0.0.1", self.port))
        waiting.register(self._line, selectors.EVENT_WRITE, self)

    def go_on(self, waiting: selectors.BaseSelector) -> int:
        """Send and receive without waiting; return 1 if that completes an answer."""
        if self._line is None:
            return 0
        if waiting.get_key(self._line).events == selectors.EVENT_WRITE:
            return self._opened(self._line, waiting)
        try:
            piece = self._line.recv(1 << 16)
        except ConnectionError:
            piece = b""
        self._heard += piece
        kept = _verified(self._heard, ended=not piece)
        if kept is None and piece:
            return 0
        if not kept:
            self.close(waiting)
        self.ask(waiting)
        return int(kept is not None)

    def _opened(self, line: socket.socket, waiting: selectors.BaseSelector) -> int:
        if line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.close(waiting)
            self.ask(waiting)
            return 0
        waiting.modify(line, selectors.EVENT_READ, self)
        line.sendall(self.request)
        return 0

    def close(self, waiting: selectors.BaseSelector) -> None:
        """Close the connection."""
        if self._line is not None:
            waiting.unregister(self._line)
            self._line.close()
            self._line = None


def _verified(heard: bytearray, *, ended: bool) -> bool | None:
    """Return whether the connection is kept after a complete answer; None: more is to come."""
    end = heard.find(b"\r\n\r\n")
    if end < 0:
        return None
    status, version, headers = parse_head(bytes(heard[:end]))
    body = bytes(heard[end + 4 :])
    if "content-length" in headers:
        complete = len(body) >= int(headers["content-length"])
    else:
        complete = ended or ("chunked" in headers.get("transfer-encoding", "") and body.endswith(b"0\r\n\r\n"))
    if not complete:
        return None
    if status != 207 or b"getctag" not in body:
        raise AnswerError(f"a poll was answered with {status}: {body[:200]!r}")
    return keeps_connection(version, headers) and not ended
