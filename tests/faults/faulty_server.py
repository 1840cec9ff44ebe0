"""A gateway in which a request meets a fault: ``python -m tests.faults.faulty_server <config> <port file>``.

The header ``X-Fault: <what> <statement>`` names the fault and before which statement of the request it happens,
counted from 1; each COMMIT counts, and so does the moment before the answer is sent:

* ``kill``: the process is gone, as by kill -9
* ``cut``: the database ends the connection (PostgreSQL); SQLite has none, there the driver breaks the statement off
* ``full``: no file may grow any more, as on a full disk (SQLite; its files are this process's)

Every request has a process of its own, forked from one that answered the first request, so that it costs little.
``/.undo/<entry>`` and ``/.confirm/<login>`` run the admin's commands in it.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import BaseServer, ForkingMixIn
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
from sqlalchemy import Connection, Engine, event

from radicale_flowfact.dav.admin import overview, status
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration, settings_path
from radicale_flowfact.storage import gateway_for
from tests.dying_server import QuietHandler


class Fault:
    """What happens, and after how many statements. ``fired``: it did."""

    def __init__(self, engine: Engine) -> None:
        self.what = ""
        self.left = 0
        self.fired = False
        event.listen(engine, "before_cursor_execute", self.before_statement)
        event.listen(engine, "commit", self.count)

    def arm(self, header: str) -> None:
        """Set what the header of a request says."""
        self.what, _, at = header.partition(" ")
        self.left = int(at or 0)

    def before_statement(self, connection: Connection, *_: object) -> None:
        """Count a statement."""
        self.count(connection)

    def count(self, connection: Connection | None) -> None:
        """Count, and let it happen when it is time."""
        self.left -= 1
        if self.left == 0:
            self.fired = True
            self._happen(connection)

    def _happen(self, connection: Connection | None) -> None:
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.what == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        elif connection is not None:
            _cut(connection, connection.connection.dbapi_connection)


def _cut(connection: Connection, driver: Any) -> None:  # noqa: ANN401 - either driver's own connection
    if isinstance(driver, sqlite3.Connection):
        driver.set_progress_handler(lambda: 1, 1)
        return
    url = connection.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (driver.info.backend_pid,))


class ForkingServer(ForkingMixIn, WSGIServer):
    """Answers the first request itself and each later one in a child."""

    gateway: Gateway
    is_warm = False

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """Answer, or fork."""
        if self.is_warm:
            super().process_request(request, client_address)
            return
        BaseServer.process_request(self, request, client_address)
        self.gateway.flush()  # what would be written in a second would open a connection
        self.gateway.engine.dispose()  # a child must not share one
        self.is_warm = True


def guarded(application: FlowfactApplication, gateway: Gateway) -> Callable[..., Iterable[bytes]]:
    """Return the application with a fault in it."""
    fault = Fault(gateway.engine)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        fault.arm(environ.get("HTTP_X_FAULT", ""))

        def tell(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
            fault.count(None)
            return start(status, [*headers, ("X-Fault-Fired", str(fault.fired))])

        path = str(environ["PATH_INFO"])
        if path.startswith("/."):
            return _administer(gateway, path, tell)
        found: Iterable[bytes] = application(environ, tell)
        return found

    return answer


def _administer(gateway: Gateway, path: str, tell: Callable[..., object]) -> Iterable[bytes]:
    _, what, argument = path.split("/")
    try:
        if what == ".undo":
            overview.undo(gateway, [int(argument)], None, None, dry_run=False)
        else:
            with gateway.administer() as session:
                status.confirm(session, argument)
    except Exception as error:
        tell("500 Fault", [])
        return [repr(error).encode()]
    tell("200 OK", [])
    return [b"done"]


def main() -> None:
    """Serve on a free port, whose number is written to the file."""
    port_file = Path(sys.argv[2])
    configuration = load_configuration(Path(sys.argv[1]))
    application = FlowfactApplication(configuration)
    gateway = gateway_for(settings_path(configuration))
    server = make_server("127.0.0.1", 0, guarded(application, gateway), ForkingServer, QuietHandler)
    server.gateway = gateway
    port_file.with_suffix(".new").write_text(str(server.server_port), encoding="ascii")
    port_file.with_suffix(".new").replace(port_file)
    server.serve_forever(poll_interval=0.01)


if __name__ == "__main__":
    main()
