"""A TCP proxy between the gateway and its database server: what happens to the network happens here."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Passes on what both sides say, until it is cut."""

    target: tuple[str, int]
    port: int = 0
    cut_after: bytes = b""
    """Once the gateway said this, it is passed on, and the gateway hears no more of that connection."""
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection and take no other."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for one in self._open:
            _end(one)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            self._open += [near, far]
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, from_gateway: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if from_gateway and self.cut_after and self.cut_after in data:
                    self.cut_after = b""
                    _end(source)  # first, so that no answer gets through
                    sink.sendall(data)
                    sink.shutdown(socket.SHUT_WR)
                    sink.recv(65536)
                    break
                sink.sendall(data)
        _end(source)
        _end(sink)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """Give a proxy to a server."""
    made = Proxy((host, port))
    made.start()
    try:
        yield made
    finally:
        made.cut()
