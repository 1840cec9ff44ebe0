"""One connection of a client: reads its requests (HTTP/1.1, RFC 9112), each within its time, and sends the answers.

The application is asked only once a request is complete, so a client that stalls costs memory at most, and that is
bounded. A connection belongs to one thread at a time: the one that got it from the poller.
"""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import time
from collections import deque
from enum import Enum, auto
from typing import Protocol

import httptools

from radicale_flowfact.server.bodies import Bodies, Body, TooMuchError
from radicale_flowfact.server.limits import Limits
from radicale_flowfact.server.wsgi_call import Environ, Reply, RequestHead, refusal

_LINGER_SECONDS = 2.0  # for a client that still sends when it is refused: closed at once, it would not read why
_CHUNK = 128_000  # bytes that are sent at once, or received of a body
_HEAD_CHUNK = 16_000  # bytes that are received at once of what may be a whole request


class Phase(Enum):
    """The state of a connection: what it waits for."""

    OPENING = auto()  # its first request, or the TLS handshake before it
    IDLE = auto()  # the next request
    HEAD = auto()
    BODY = auto()
    WORKING = auto()  # the application
    ANSWERING = auto()  # the client, which takes the answer
    ENDING = auto()  # the client, which reads why it was refused


class Wants(Enum):
    """What a connection needs next."""

    READ = auto()
    WRITE = auto()
    WORK = auto()  # the application's answer to ``Connection.working``
    CLOSE = auto()


class WorkerContext(Protocol):
    """The worker of a connection, as far as the connection uses it."""

    limits: Limits
    bodies: Bodies
    largest_body: int
    is_ending: bool


class Connection:
    """Holds one connection and the requests on it.

    ``address``: the client's, by which bounds are counted; empty behind a trusted proxy. ``environ``: the part of the
    WSGI environment that all its requests share.
    """

    def __init__(self, worker: WorkerContext, own: socket.socket, address: str, environ: Environ) -> None:
        self.address = address
        self.socket = own
        self.armed = False  # the poller has it
        self.phase = Phase.OPENING
        self.since = time.monotonic()
        self.deadline = self.since + worker.limits.head_seconds
        self.working: RequestHead | None = None
        self._worker = worker
        self._environ = environ
        self._limits = worker.limits
        self._handshake = own if isinstance(own, ssl.SSLSocket) else None
        self._parser = httptools.HttpRequestParser(self)
        self._request: RequestHead | None = None
        self._complete: deque[RequestHead] = deque()
        self._head_bytes = 0
        self._out = memoryview(b"")
        self._out_size = 0
        self._ends = False

    # called by the worker

    def go_on(self) -> Wants:
        """Send or receive as far as possible without waiting; return what the connection needs next."""
        try:
            if self._handshake is not None:
                self._handshake.do_handshake()
                self._handshake = None
            return self._send() if self._out else self._receive()
        except (BlockingIOError, ssl.SSLWantReadError):
            return Wants.WRITE if self._out and self._handshake is None else Wants.READ
        except ssl.SSLWantWriteError:
            return Wants.WRITE
        except OSError:
            return Wants.CLOSE

    def answer(self, reply: Reply) -> Wants:
        """Send the application's answer."""
        if self.working is not None and self.working.body is not None:
            self.working.body.close()
        self._ends = self._ends or reply.ends
        self._enter(Phase.ANSWERING, self._limits.stall_seconds)
        self._out = memoryview(reply.head + reply.body)
        self._out_size = len(self._out)
        return self.go_on()

    @property
    def unsent(self) -> int:
        """Bytes of an answer that the client has not taken yet."""
        return len(self._out)

    def time_out(self) -> None:
        """Send 408 to a client whose request is incomplete; the caller closes the connection next."""
        if self.phase in (Phase.HEAD, Phase.BODY):
            with contextlib.suppress(OSError):
                self.socket.send(refusal(408))

    def close(self) -> None:
        """Close the socket and release all bodies."""
        for request in (self._request, self.working, *self._complete):
            if request is not None and request.body is not None:
                request.body.close()
        self._request = self.working = None
        self._complete.clear()
        self._out = memoryview(b"")
        self.socket.close()

    # sending and receiving

    def _send(self) -> Wants:
        while self._out:
            sent = self.socket.send(self._out[:_CHUNK])
            self._out = self._out[sent:]
            if self.phase is Phase.ANSWERING:
                self._extend(self._out_size - len(self._out))
        if self.phase is not Phase.ANSWERING:
            return Wants.READ
        request, self.working = self.working, None
        if request is not None and request.unread:
            return self._linger()
        if self._ends or self._worker.is_ending:
            return Wants.CLOSE
        return self._next()

    def _receive(self) -> Wants:
        size = _CHUNK if self.phase is Phase.BODY else _HEAD_CHUNK
        data = self.socket.recv(size)
        while data:
            wants = self._read(data)
            is_pending = isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()
            if wants is not Wants.READ or not is_pending:
                return wants
            data = self.socket.recv(size)
        return Wants.CLOSE

    def _read(self, data: bytes) -> Wants:
        """Parse received bytes; return what the connection needs next."""
        if self.phase is Phase.ENDING:
            return Wants.READ
        if self.phase in (Phase.IDLE, Phase.OPENING):
            self._enter(Phase.HEAD, self._limits.head_seconds)
            self._head_bytes = 0
        self._head_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            return self._refuse(_status_of(error))
        if self.phase is Phase.HEAD and self._head_bytes > self._limits.head_bytes:
            return self._refuse(431)
        return self._next() if self._complete else Wants.WRITE if self._out else Wants.READ

    def _feed(self, data: bytes) -> None:
        """Feed the parser; an Upgrade that the client proposes is ignored (RFC 9110 §7.8)."""
        for _ in range(self._limits.pipelined + 1):
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
            else:
                return

    def _next(self) -> Wants:
        """Go on with the next request, which may have arrived wholly or in part with the one before (pipelining)."""
        if self._complete:
            self.working = self._complete.popleft()
            self._enter(Phase.WORKING, math.inf)
            return Wants.WORK
        if self._ends:  # what came after the last request cannot be read
            return Wants.CLOSE
        begun = self._request
        if begun is None:
            self._enter(Phase.IDLE, self._limits.idle_seconds)
        elif begun.body is None:
            self._enter(Phase.HEAD, self._limits.head_seconds)
            self._head_bytes = 0
        else:
            self._begin_body(begun)
        return Wants.WRITE if self._out else Wants.READ

    def _refuse(self, status: int) -> Wants:
        """Answer a request that the application never sees, after those before it."""
        if self._complete:
            self._ends = True
            return self._next()
        with contextlib.suppress(OSError):
            self.socket.send(refusal(status))
        return self._linger()

    def _linger(self) -> Wants:
        """Close once the client had time to read the answer; what it still sends is dropped."""
        self._enter(Phase.ENDING, _LINGER_SECONDS)
        if not isinstance(self.socket, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
        return Wants.READ

    def _enter(self, phase: Phase, seconds: float) -> None:
        self.phase = phase
        self.since = time.monotonic()
        self.deadline = self.since + seconds

    def _extend(self, size: int) -> None:
        """Set the deadline of a body or answer of which ``size`` bytes are transferred."""
        slowest = self.since + self._limits.grace_seconds + size / self._limits.bytes_per_second
        self.deadline = min(time.monotonic() + self._limits.stall_seconds, slowest)

    # called by httptools

    def on_message_begin(self) -> None:
        """Begin a request."""
        if len(self._complete) >= self._limits.pipelined:
            raise _RefusedError(400)
        self._request = RequestHead(dict(self._environ))

    def on_url(self, url: bytes) -> None:
        """Read a part of the target."""
        assert self._request is not None  # noqa: S101 - httptools calls in this order
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read a header, or a trailer, which counts for nothing."""
        request = self._request
        if request is None or request.body is not None:
            return
        if request.headers >= self._limits.headers:
            raise _RefusedError(431)
        request.add_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the body; one that the application refuses by its length is not waited for."""
        request = self._request
        assert request is not None  # noqa: S101
        self._head_bytes = 0
        request.keeps_alive = self._parser.should_keep_alive()
        try:
            request.complete(self._parser.get_method().decode("latin-1"), self._parser.get_http_version())
        except ValueError as error:
            raise _RefusedError(400) from error
        request.body = Body(self._worker.bodies, self.address)
        length = request.environ.get("CONTENT_LENGTH", "")
        coding = request.environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
        if coding not in ("", "chunked"):
            raise _RefusedError(501)
        if length.isdigit() and 0 < self._worker.largest_body < int(length):
            request.unread = True
            self._complete.append(request)
        elif (coding or length.strip("0")) and not self._complete:
            self._begin_body(request)

    def _begin_body(self, request: RequestHead) -> None:
        self._enter(Phase.BODY, self._limits.stall_seconds)
        if request.environ.get("HTTP_EXPECT", "").lower() == "100-continue" and not request.body_size:
            self._out = memoryview(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        """Read a part of the body."""
        request = self._request
        if request is None or request.body is None or request.unread:
            return
        try:
            request.body.write(chunk)
        except (TooMuchError, OSError) as error:
            raise _RefusedError(503) from error
        if 0 < self._worker.largest_body < request.body.size:
            raise _RefusedError(413)  # its length was not told before
        if self.phase is Phase.BODY:
            self._extend(request.body.size)

    def on_message_complete(self) -> None:
        """Keep the request until those before it are answered."""
        request, self._request = self._request, None
        if request is not None and request.body is not None and request.environ.pop("HTTP_TRANSFER_ENCODING", ""):
            request.environ["CONTENT_LENGTH"] = str(request.body.size)  # the application reads no chunks
        if request is not None and not request.unread:
            self._complete.append(request)


class _RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _status_of(error: BaseException) -> int:
    """Return the status for what the parser raised, which wraps what a callback raised."""
    cause = error.__context__ or error.__cause__
    return cause.status if isinstance(cause, _RefusedError) else 400
