"""Calls a WSGI application with one request (PEP 3333) and returns its whole answer as bytes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from http import client
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

from radicale.log import logger

from radicale_flowfact.server.bodies import Body

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_BODILESS = frozenset({"204", "304"})


def environ_of(scheme: str, server: Sequence[str | int], peer: Sequence[str | int]) -> Environ:
    """Return the part of the environment that each request of a connection starts from."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": str(peer[0]),
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


@dataclass(slots=True)
class RequestHead:
    """Holds the request line's parts and the headers as they are read."""

    environ: Environ
    target: bytes = b""
    headers: int = 0
    unread: bool = False  # it is answered without its body, and the connection ends
    keeps_alive: bool = True
    version: str = "1.1"
    body: Body | None = field(default=None, repr=False)

    @property
    def body_size(self) -> int:
        """Bytes of the body that have come."""
        return 0 if self.body is None else self.body.size

    def add_header(self, name: bytes, value: bytes) -> None:
        """Add a header; one with an underscore is left out, since it would pass for the same with a hyphen."""
        self.headers += 1
        if b"_" in name:
            return
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.decode("latin-1").strip(" \t")
        self.environ[key] = f"{self.environ[key]},{text}" if key in self.environ else text

    def complete(self, method: str, version: str) -> None:
        """Add the request line to the environment. Raises ValueError for a malformed target."""
        self.version = version
        target = self.target
        if not target.startswith(b"/") and target != b"*":  # RFC 9112 §3.2.2: the absolute form
            parts = urlsplit(target)
            target = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
        path, _, query = target.partition(b"?")
        if b"%" in path:
            path = unquote_to_bytes(path)
        self.environ["REQUEST_METHOD"] = method
        self.environ["PATH_INFO"] = path.decode("latin-1")
        self.environ["QUERY_STRING"] = query.decode("latin-1")
        self.environ["SERVER_PROTOCOL"] = f"HTTP/{version}"


@dataclass(frozen=True, slots=True)
class Reply:
    """Holds an answer as it goes over the wire; ``ends``: the connection ends after it."""

    head: bytes
    body: bytes
    ends: bool


def call(application: Application, request: RequestHead) -> Reply:
    """Return the application's answer; 500 where it raises."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started[:] = [(status, headers)]

    environ = {**request.environ, "wsgi.input": request.body.reader() if request.body is not None else None}
    try:
        parts = application(environ, start_response)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                cast(Any, parts).close()
        status, headers = started[-1]
    except Exception:
        logger.exception("A request could not be answered")
        status, headers, body = "500 Internal Server Error", [], b""
    return reply(status, headers, body, request)


def reply(status: str, headers: list[tuple[str, str]], body: bytes, request: RequestHead) -> Reply:
    """Return an answer with the headers that the connection needs (RFC 9110 §8.6, RFC 9112 §9.3)."""
    names = {name.lower() for name, _ in headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    is_head = request.environ.get("REQUEST_METHOD") == "HEAD"
    if "content-length" not in names and status[:3] not in _BODILESS and not is_head:
        lines.append(f"Content-Length: {len(body)}")
    if "date" not in names:
        lines.append(f"Date: {_date()}")
    ends = not request.keeps_alive or request.unread
    if ends:
        lines.append("Connection: close")
    elif request.version == "1.0":
        lines.append("Connection: keep-alive")
    if any("\r" in line or "\n" in line for line in lines):  # RFC 9110 §5.5
        return reply("500 Internal Server Error", [], b"", request)
    head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
    return Reply(head, b"" if is_head or status[:3] in _BODILESS else body, ends)


def refusal(status: int) -> bytes:
    """Return the answer to a request that never reaches the application; the connection ends after it."""
    reason = client.responses[status]
    body = f"{reason}\n".encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        f"Date: {_date()}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


_dates: list[tuple[int, str]] = [(0, "")]


def _date() -> str:
    """Return the present time as an HTTP date (RFC 9110 §5.6.7); computed once a second."""
    now = int(time.time())
    if _dates[0][0] != now:
        _dates[0] = (now, formatdate(now, usegmt=True))
    return _dates[0][1]
