"""A gateway that kills itself: ``python -m tests.dying_server <config> <port file> <statement>``.

It dies, as by kill -9, when the database is about to execute that statement of the first PUT or DELETE, counted
from 1; the COMMIT counts too. Run by ``tests/dav/test_crash.py``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from sqlalchemy import event

from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration, settings_path
from radicale_flowfact.storage import gateway_for


class Fuse:
    """Counts statements while a write runs, and ends the process at the chosen one."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.burning = False

    def burn(self, *_: object) -> None:
        """Count one statement."""
        if self.burning:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


class QuietHandler(WSGIRequestHandler):
    """Says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on a free port, whose number is written to the file."""
    config, port_file, at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    configuration = load_configuration(config)
    application = FlowfactApplication(configuration)
    fuse = Fuse(at)
    engine = gateway_for(settings_path(configuration)).engine
    event.listen(engine, "before_cursor_execute", fuse.burn)
    event.listen(engine, "commit", fuse.burn)

    def guarded(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        fuse.burning = environ["REQUEST_METHOD"] in ("PUT", "DELETE")
        answer: Callable[..., Iterable[bytes]] = application
        return answer(environ, start)

    server = make_server("127.0.0.1", 0, guarded, handler_class=QuietHandler)
    port_file.with_suffix(".new").write_text(str(server.server_port), encoding="ascii")
    port_file.with_suffix(".new").replace(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
