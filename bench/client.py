"""An HTTP client with little work of its own, so that the time measured is the server's.

Bare sockets without Nagle's delay, credentials in every request, one connection kept as long as the server keeps
it. A server that closes the connection after each answer pays for the next one, as it does with a phone.
"""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

_CHUNK = 1 << 18
_PATIENCE_SECONDS = 300.0


class AnswerError(Exception):
    """A server answered something else than the request asks for, or nothing; the message tells what."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client(Protocol):
    """What sends a request: over a connection, or straight into an application."""

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and return its answer."""


def encode(method: str, path: str, body: bytes, headers: Mapping[str, str], credentials: str) -> bytes:
    """Return a request as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {credentials}", "User-Agent: bench/1.0"]
    if method in ("PROPFIND", "REPORT"):
        lines.append("Content-Type: text/xml; charset=utf-8")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method == "PUT":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


def basic(login: str, password: str) -> str:
    """Return the credentials of Basic authentication."""
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode("ascii")


@dataclass
class Connection:
    """A device's connection to a server on this machine."""

    port: int
    credentials: str
    _socket: socket.socket | None = field(default=None, repr=False)

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request; when the kept connection turns out to be closed, once more on a new one."""
        data = encode(method, path, body, headers or {}, self.credentials)
        try:
            if self._socket is not None:
                with contextlib.suppress(ConnectionError):
                    return self._exchange(self._socket, data, method)
            self.close()
            self._socket = connect(self.port)
            return self._exchange(self._socket, data, method)
        except OSError as error:
            self.close()
            raise AnswerError(f"{method} {path}: {error!r}") from error

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, line: socket.socket, data: bytes, method: str) -> Answer:
        line.sendall(data)
        answer, keeps = read_answer(line, method)
        if not keeps:
            self.close()
        return answer


def connect(port: int) -> socket.socket:
    """Open a connection."""
    line = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def read_answer(line: socket.socket, method: str) -> tuple[Answer, bool]:
    """Read one answer; return it, and whether the server keeps the connection. Raises ConnectionError if it is cut."""
    data = bytearray()
    while True:
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            head, rest = bytes(data[:end]), bytearray(data[end + 4 :])
            status, version, headers = parse_head(head)
            if status >= 200:
                break
            data = rest
        else:
            data += _more(line)
    keeps = keeps_connection(version, headers)
    if method == "HEAD" or status in (204, 304):
        return Answer(status, headers, b""), keeps
    if "content-length" in headers:
        length = int(headers["content-length"])
        parts = [bytes(rest)]
        missing = length - len(rest)
        while missing > 0:
            parts.append(_more(line))
            missing -= len(parts[-1])
        return Answer(status, headers, b"".join(parts)), keeps
    if "chunked" in headers.get("transfer-encoding", ""):
        return Answer(status, headers, _chunks(line, rest)), keeps
    while piece := line.recv(_CHUNK):
        rest += piece
    return Answer(status, headers, bytes(rest)), False


def parse_head(head: bytes) -> tuple[int, str, dict[str, str]]:
    """Return status, protocol version and headers."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status = first.split(" ", 2)[:2]
    pairs = (line.partition(":") for line in lines)
    return int(status), version, {name.strip().lower(): value.strip() for name, _, value in pairs}


def keeps_connection(version: str, headers: Mapping[str, str]) -> bool:
    """Return whether the server keeps the connection open after this answer (RFC 9112 §9.3)."""
    wish = headers.get("connection", "").lower()
    return "keep-alive" in wish if version == "HTTP/1.0" else "close" not in wish


def _chunks(line: socket.socket, data: bytearray) -> bytes:
    body = bytearray()
    while True:
        while (end := data.find(b"\r\n")) < 0:
            data += _more(line)
        size = int(bytes(data[:end]).split(b";")[0], 16)
        while len(data) < end + 2 + size + 2:
            data += _more(line)
        body += data[end + 2 : end + 2 + size]
        del data[: end + 2 + size + 2]
        if size == 0:
            return bytes(body)


def _more(line: socket.socket) -> bytes:
    piece = line.recv(_CHUNK)
    if not piece:
        raise ConnectionError("the server closed the connection within an answer")
    return piece
