"""Starts the server: checks configuration and addresses, reports readiness, and executes the listening process."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from radicale.config import Configuration

from radicale_flowfact.database.engines import dispose_engines
from radicale_flowfact.dav.admin.schema_watch import require_fitting_map
from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.http.observe import logs
from radicale_flowfact.server.configuration import settings_of
from radicale_flowfact.server.workers import Listening, listen


def serve(file: Path, configuration: Configuration, workers: int, on_ready: Callable[[], None]) -> None:
    """Serve until a stop signal arrives.

    Raises RuntimeError when an address cannot be listened on, DatabaseError when the name map does not fit.

    ``file`` is Radicale's configuration, read anew by each worker. ``on_ready`` is called once the application could be
    made and the addresses are free.
    """
    settings = settings_of(configuration)
    logs.set_up(configuration, settings.log)
    require_fitting_map(settings)
    FlowfactApplication(configuration)  # a fault is raised here, not in a worker
    dispose_engines()
    listening = _listening(configuration, workers)
    on_ready()
    sys.stdout.flush()
    os.environ["RADICALE_CONFIG"] = str(file)
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc's arenas cost a worker more memory than they save time
    if os.name == "nt":
        listen(listening)
    else:
        os.execv(sys.executable, listening.command())  # noqa: S606 - our own interpreter


def _listening(configuration: Configuration, workers: int) -> Listening:
    """Return the addresses to listen on, each of them free. Raises RuntimeError."""
    tls = ("", "")
    if configuration.get("server", "ssl"):
        tls = (configuration.get("server", "certificate"), configuration.get("server", "key"))
        for file in tls:
            if not Path(file).is_file():
                raise RuntimeError(f"[server] certificate and key: there is no file {file!r}")
    hosts = configuration.get("server", "hosts")
    found = dict.fromkeys((address, port) for host, port in hosts for address in _addresses(host, port))
    if not found:
        raise RuntimeError("[server] hosts names no address")
    return Listening(tuple(found), workers, *tls)


def _addresses(host: str, port: int) -> Sequence[str]:
    """Return the free addresses of a host name of this machine. Raises RuntimeError."""
    free, fault = [], ""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise RuntimeError(f"{host}:{port}: {error.strerror or error}") from error
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                if os.name != "nt":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            free.append(str(address[0]))
        except OSError as error:  # a name may resolve to a family that this machine lacks
            fault = error.strerror or str(error)
    if not free:
        raise RuntimeError(f"{host}:{port}: {fault}")
    return free
