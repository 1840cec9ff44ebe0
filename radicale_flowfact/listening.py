"""Listens and runs the WSGI entry in worker processes, with Granian.

``python -m radicale_flowfact.listening <workers> <certificate> <key> <address> <port> [<address> <port> …]``, with
RADICALE_CONFIG naming the configuration; without TLS, certificate and key are empty. It imports nothing of the
gateway, so that the process that watches the workers stays small.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces, SSLProtocols
from granian.log import LogLevels

_MODULE = "radicale_flowfact.listening"
THREADS = 16
"""Requests that one worker answers at once; the database's pool has as many connections."""
_TLS = SSLProtocols.tls12  # the oldest that is safe, and that phones of ten years speak


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen (address and port), with how many processes; ``certificate``, ``key``: files, or both empty."""

    places: tuple[tuple[str, int], ...]
    workers: int
    certificate: str = ""
    key: str = ""

    def command(self) -> list[str]:
        """Return the command that listens so."""
        places = [part for address, port in self.places for part in (address, str(port))]
        return [sys.executable, "-m", _MODULE, str(self.workers), self.certificate, self.key, *places]


def listen(wanted: Listening) -> None:
    """Serve until a stop signal arrives. Each further place has a process of its own, which ends with this one."""
    with shared_numbers():
        _listen_everywhere(wanted)


@contextmanager
def shared_numbers() -> Iterator[None]:
    """Let the metrics of the processes that are started in this block add up, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="radicale-flowfact-") as folder:
        is_ours = os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder) == folder
        try:
            yield
        finally:
            if is_ours:
                del os.environ["PROMETHEUS_MULTIPROC_DIR"]


def _listen_everywhere(wanted: Listening) -> None:
    first, *others = wanted.places
    further = [subprocess.Popen(replace(wanted, places=(place,)).command()) for place in others]  # noqa: S603
    try:
        _listen(wanted, *first)
    finally:
        for process in further:
            process.terminate()
        for process in further:
            process.wait()


def _listen(wanted: Listening, address: str, port: int) -> None:
    """Serve one place; a worker that dies is replaced."""
    Granian(
        "radicale_flowfact.wsgi:application",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=1 if sys.platform == "win32" else wanted.workers,
        blocking_threads=THREADS,
        backlog=1024,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        ssl_cert=Path(wanted.certificate) if wanted.certificate else None,
        ssl_key=Path(wanted.key) if wanted.key else None,
        ssl_protocol_min=_TLS,
    ).serve()


def main(arguments: list[str]) -> None:
    """Listen as the arguments say."""
    workers, certificate, key, *places = arguments
    pairs = tuple((address, int(port)) for address, port in zip(places[::2], places[1::2], strict=True))
    listen(Listening(pairs, int(workers), certificate, key))


if __name__ == "__main__":
    main(sys.argv[1:])
