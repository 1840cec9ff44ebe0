"""Starts the server: checks configuration and addresses, reports readiness, and executes the listening process."""

from __future__ import annotations

import errno
import os
import socket
import ssl
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

_WINDOWS_TAKEN = 10048  # WSAEADDRINUSE


def serve(file: Path, configuration: Configuration, workers: int, on_ready: Callable[[], None]) -> None:
    """Serve until a stop signal arrives.

    Raises RuntimeError when an address cannot be listened on, DatabaseError when the name map does not fit.

    ``file`` is Radicale's configuration, read anew by each worker. ``on_ready`` is called once the application could be
    made and the addresses are free.
    """
    settings = settings_of(configuration)
    logs.set_up(configuration, settings.log)
    listening = _listening(configuration, workers)
    require_fitting_map(settings)
    FlowfactApplication(configuration)  # a fault is raised here, not in a worker
    dispose_engines()
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
        _require_pair(*tls)
    hosts = configuration.get("server", "hosts")
    found = dict.fromkeys((address, port) for host, port in hosts for address in _addresses(host, port))
    if not found:
        raise RuntimeError("[server] hosts names no address; write one, such as 127.0.0.1:5232")
    return Listening(tuple(found), workers, *tls)


def _require_pair(certificate: str, key: str) -> None:
    """Raise RuntimeError for a certificate and a key that TLS cannot use together."""
    for file in (certificate, key):
        if not Path(file).is_file():
            raise RuntimeError(f"[server] certificate and key: there is no file {file!r}; mend the path")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, _no_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise RuntimeError(
                f"[server] certificate {certificate!r} and key {key!r} do not belong together; name the key that the "
                "certificate was made with"
            ) from None
        raise RuntimeError(
            f"[server] certificate {certificate!r} and key {key!r} cannot be read ({error.reason}); both are PEM, "
            "with BEGIN CERTIFICATE and BEGIN PRIVATE KEY"
        ) from None
    except OSError as error:
        raise RuntimeError(
            f"[server] certificate and key cannot be read: {error.strerror}; let this user read both files"
        ) from None


def _no_passphrase() -> str:
    raise RuntimeError("[server] key has a passphrase, which nobody can type at a start; save it without one")


def _addresses(host: str, port: int) -> Sequence[str]:
    """Return the free addresses of a host name of this machine. Raises RuntimeError saying what to do."""
    free: list[str] = []
    fault: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise RuntimeError(
            f"the name {host!r} in [server] hosts leads to no address ({error.strerror or error}); correct it, "
            "or write the address"
        ) from error
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                if os.name != "nt":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            free.append(str(address[0]))
        except OSError as error:  # a name may resolve to a family that this machine lacks
            fault = error
    if not free and fault is not None:
        raise RuntimeError(_not_free(host, port, fault)) from fault
    return free


def _not_free(host: str, port: int, error: OSError) -> str:
    """Return why an address cannot be listened on, and what to do."""
    if error.errno in (errno.EADDRINUSE, _WINDOWS_TAKEN):
        return (
            f"port {port} on {host} is taken by another program, perhaps by a gateway that runs already; stop that, "
            "or name another port in [server] hosts"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; name one in [server] hosts, or 0.0.0.0 for all"
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"this user may not listen on port {port}; name one above 1023 in [server] hosts, and let a proxy serve "
            f"port {port}"
        )
    return f"{host}:{port} cannot be listened on ({error.strerror or error}); name another address in [server] hosts"
