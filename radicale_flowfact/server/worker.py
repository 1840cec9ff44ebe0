"""One worker process: accepts connections within bounds, and answers the requests that are complete.

``python -m radicale_flowfact.server.worker <certificate> <key> <place> …``, where a place is ``fd:<number>``, an
inherited socket that listens, or ``<address> <port>`` in one argument; RADICALE_CONFIG names the configuration. It ends
when its standard input does, so never later than the process that started it.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence

from radicale.log import logger

from radicale_flowfact.http.auth.throttling import client_address
from radicale_flowfact.server.bodies import Bodies
from radicale_flowfact.server.configuration import load_configuration, settings_of
from radicale_flowfact.server.connection import Connection, Phase, Wants
from radicale_flowfact.server.limits import Limits
from radicale_flowfact.server.polling import Poller, Seats, poller
from radicale_flowfact.server.sockets import allow_many_files, listeners
from radicale_flowfact.server.wsgi_call import Application, call, environ_of

THREADS = 16
"""Requests that one worker answers at once; the database's pool has as many connections."""
_SPARE_THREADS = 2  # that read and write while all others wait for the database
_THREADS_OF_ADDRESS = 12  # requests of one address that are answered at once
DRAIN_SECONDS = 10.0
"""How long requests that are being answered may take when the worker is to end."""
_ACCEPTED = 64  # connections that are accepted at once
_LEAST_IMPORTANT = (Phase.ENDING, Phase.OPENING, Phase.IDLE, Phase.HEAD, Phase.BODY, Phase.ANSWERING)
_SHARE = 4  # one address may have this part of all answers that were not taken yet
_REPORT_SECONDS = 60.0
_TOO_SLOW = {
    Phase.OPENING: "silence",
    Phase.HEAD: "a request that came too slowly",
    Phase.BODY: "a body that came too slowly",
    Phase.ANSWERING: "an answer that was taken too slowly",
}


class Worker:
    """Holds the connections of a worker and the threads that go on with them.

    ``proxies``: networks whose addresses have no bound of their own; ``largest_body``: in bytes, 0 is no limit.
    ``_lock`` guards which thread has a connection: the poller's side of it is ``Connection.armed``.
    """

    def __init__(
        self,
        application: Application,
        proxies: Collection[str],
        largest_body: int,
        limits: Limits | None = None,
        polling: Poller[Connection | socket.socket] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.bodies = Bodies(self.limits)
        self.largest_body = largest_body
        self.is_ending = False
        self._application = application
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]
        self._poller = polling or poller()
        self._seats = Seats()
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self._of_address: Counter[str] = Counter()
        self._answering: Counter[str] = Counter()
        self._waiting: deque[Connection] = deque()
        self._ended: Counter[str] = Counter()

    def serve(self, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None, stop: threading.Event) -> None:
        """Accept connections and answer requests until ``stop`` is set.

        Requests that are being answered then have ``DRAIN_SECONDS`` to end.
        """
        self._tls = tls
        for listener in sockets:
            self._poller.arm(listener, listener, write=False)
        threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS + _SPARE_THREADS)]
        for thread in threads:
            thread.start()
        reported = time.monotonic()
        while not stop.wait(self.limits.sweep_seconds):
            now = time.monotonic()
            self._sweep(now)
            if self._ended and now - reported >= _REPORT_SECONDS:
                reported = now
                self._report_ended()
        self.is_ending = True
        for listener in sockets:
            self._poller.forget(listener)
            listener.close()
        self._drain()
        self._close(list(self._connections))
        self._poller.stop()
        for thread in threads:
            thread.join(1.0)
        if not any(thread.is_alive() for thread in threads):
            self._poller.close()

    def _drain(self) -> None:
        end = time.monotonic() + DRAIN_SECONDS
        while self._connections and time.monotonic() < end:
            self._close(self._taken(lambda connection: connection.phase is not Phase.ANSWERING))
            time.sleep(0.02)

    # the threads

    def _run(self) -> None:
        while (item := self._wait()) is not None:
            try:
                if isinstance(item, socket.socket):
                    self._accept(item)
                elif self._take(item):
                    self._go_on(item)
            except Exception:
                logger.exception("A connection could not be served")
                if isinstance(item, Connection):
                    self._close([item])

    def _wait(self) -> Connection | socket.socket | None:
        self._seats.take()
        try:
            return self._poller.wait()
        finally:
            self._seats.leave()

    def _take(self, connection: Connection) -> bool:
        with self._lock:
            was_armed, connection.armed = connection.armed, False
        return was_armed

    def _go_on(self, connection: Connection) -> None:
        """Do all that can be done with a connection now, then with those that waited for a thread meanwhile."""
        self._settle(connection, connection.go_on())
        while (waiting := self._next_waiting()) is not None:
            self._settle(waiting, self._answered(waiting))

    def _settle(self, connection: Connection, wants: Wants) -> None:
        while wants is Wants.WORK:
            if not self._may_answer(connection):
                return
            wants = self._answered(connection)
        if wants is Wants.CLOSE:
            self._close([connection])
            return
        with self._lock:
            connection.armed = True
            self._poller.arm(connection.socket, connection, write=wants is Wants.WRITE)

    def _answered(self, connection: Connection) -> Wants:
        """Let the application answer, and send that; return what the connection wants then."""
        request = connection.working
        if request is None:  # never so: WORK is wanted for a request only
            return Wants.CLOSE
        try:
            reply = call(self._application, request)
        finally:
            with self._lock:
                self._answering[connection.address] -= 1
        return connection.answer(reply)

    def _may_answer(self, connection: Connection) -> bool:
        """Return whether there is a thread for its request; if not, the connection waits for one."""
        with self._lock:
            if self._has_thread(connection):
                self._answering[connection.address] += 1
                return True
            self._waiting.append(connection)
            return False

    def _next_waiting(self) -> Connection | None:
        with self._lock:
            for connection in self._waiting:
                if self._has_thread(connection):
                    self._waiting.remove(connection)
                    self._answering[connection.address] += 1
                    return connection
        return None

    def _has_thread(self, connection: Connection) -> bool:
        address = connection.address
        return self._answering.total() < THREADS and (not address or self._answering[address] < _THREADS_OF_ADDRESS)

    # the connections

    def _accept(self, listener: socket.socket) -> None:
        try:
            for _ in range(_ACCEPTED):
                client, peer = listener.accept()
                self._admit(client, peer)
        except BlockingIOError:
            pass
        except OSError as error:  # no more file descriptors, or the listener is closed
            if not self.is_ending:
                logger.warning("A connection could not be accepted: %s", error)
                self._make_room("")
                time.sleep(0.05)
        if not self.is_ending:
            with contextlib.suppress(ValueError, OSError):
                self._poller.arm(listener, listener, write=False)

    def _admit(self, client: socket.socket, peer: Sequence[str | int]) -> None:
        """Begin a connection; if there are too many, end another one."""
        address = client_address({"REMOTE_ADDR": str(peer[0])}, self._proxies)
        if address and self._of_address[address] >= self.limits.connections_of_address:
            self._make_room(address)
        elif len(self._connections) >= self.limits.connections:
            self._make_room("")
        client.setblocking(False)
        place = environ_of("https" if self._tls else "http", client.getsockname(), peer)
        with contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            client = self._tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        connection = Connection(self, client, address, place)
        with self._lock:
            self._connections.add(connection)
            self._of_address[address] += 1
            connection.armed = True
            self._poller.arm(client, connection, write=False)

    def _make_room(self, address: str) -> None:
        """End one connection of an address; of "", one of the address that has the most connections.

        It is one that waits for its client, not for the application, and of these the one that waited longest.
        """
        with self._lock:
            if not address and self._of_address:
                address = max(self._of_address, key=self._of_address.__getitem__)
            own = [connection for connection in self._connections if connection.armed and connection.address == address]
            if not own:
                return
            victim = min(own, key=lambda connection: (_LEAST_IMPORTANT.index(connection.phase), connection.since))
            victim.armed = False
        self._ended["too many connections"] += 1
        self._close([victim])

    def _taken(self, chosen: Callable[[Connection], bool]) -> list[Connection]:
        """Take the chosen connections out of the poller, and return them."""
        with self._lock:
            taken = [connection for connection in self._connections if connection.armed and chosen(connection)]
            for connection in taken:
                connection.armed = False
        return taken

    def _close(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            with self._lock:
                if connection in self._connections:
                    self._connections.discard(connection)
                    self._of_address[connection.address] -= 1
                    if not self._of_address[connection.address]:
                        del self._of_address[connection.address]
                with contextlib.suppress(OSError, ValueError):
                    self._poller.forget(connection.socket)
            connection.close()

    # deadlines and bounds

    def _sweep(self, now: float) -> None:
        """End the connections whose deadline has passed."""
        late = self._taken(lambda connection: connection.deadline < now)
        for connection in late:
            if connection.phase in _TOO_SLOW:
                self._ended[_TOO_SLOW[connection.phase]] += 1
            connection.time_out()
        self._close(late)
        self._bound_answers()

    def _bound_answers(self) -> None:
        """Close the connections with the largest unsent answers, until the rest is within the bounds."""
        with self._lock:
            unsent = {connection: size for connection in self._connections if (size := connection.unsent)}
        of_address: Counter[str] = Counter()
        for connection, size in unsent.items():
            of_address[connection.address] += size
        total = sum(unsent.values())
        given_up = set()
        for connection, size in sorted(unsent.items(), key=lambda entry: -entry[1]):
            own = of_address[connection.address] if connection.address else 0
            if total > self.limits.answers or own > self.limits.answers // _SHARE:
                given_up.add(connection)
                total -= size
                of_address[connection.address] -= size
        taken = self._taken(given_up.__contains__)
        self._ended["answers that nobody took"] += len(taken)
        self._close(taken)

    def _report_ended(self) -> None:
        found = ", ".join(f"{count} for {reason}" for reason, count in self._ended.most_common() if count)
        self._ended.clear()
        if found:
            logger.warning("Connections were ended: %s", found)


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return the TLS context of a certificate and its key (PEM files).

    TLS 1.2 is the oldest version that is safe; ten-year-old phones support it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context


def main(arguments: Sequence[str]) -> None:
    """Serve as the arguments say, with the configuration that RADICALE_CONFIG names."""
    certificate, key, *places = arguments
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, too, which closes the input
    threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    allow_many_files()
    configuration = load_configuration(None)
    wsgi = importlib.import_module("radicale_flowfact.wsgi")
    threading.Thread(target=wsgi.prepare, daemon=True).start()
    largest = configuration.get("server", "max_content_length")
    worker = Worker(wsgi.application, settings_of(configuration).trusted_proxies, largest)
    worker.serve(listeners(places), tls_context(certificate, key) if certificate else None, stop)


def _wait_for_end_of_input(stop: threading.Event) -> None:
    """End with the supervisor: it holds the other end of this pipe, and the system closes that when it dies."""
    os.read(0, 1)
    stop.set()
    time.sleep(DRAIN_SECONDS + 2)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
