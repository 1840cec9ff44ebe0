"""Starts and stops the servers, each as a process of its own on a free port of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import AnswerError, Connection, basic
from bench.machine import resident_megabytes

PASSWORD = "bench"  # noqa: S105 - guards nothing
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server keeps a user's contacts and events; paths end with a slash."""

    addresses: str
    events: str


@dataclass
class Server:
    """A running server. ``log`` is the file that it prints into."""

    name: str
    port: int
    place: Place
    process: subprocess.Popen[bytes]
    log: Path
    credentials: str = field(default="", repr=False)

    def connection(self) -> Connection:
        """Return a new device's connection."""
        return Connection(self.port, self.credentials)

    def megabytes(self) -> float | None:
        """Return the memory of all its processes."""
        return resident_megabytes(self.process.pid)

    def stop(self) -> None:
        """Stop it with all that it started."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_SECONDS)
        _kill(self.process)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(name: str, command: list[str], folder: Path, port: int, place: Place, login: str) -> Server:
    """Run ``python -m`` with a command and wait until the server answers. Raises AnswerError when it does not."""
    log = folder / f"{name}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, "-m", *command],
            cwd=folder,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=os.name != "nt",  # Ctrl-C is ours to handle
        )
    server = Server(name, port, place, process, log, basic(login, PASSWORD))
    try:
        _await(server)
    except BaseException:
        server.stop()
        raise
    return server


def _await(server: Server) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        with contextlib.suppress(AnswerError), contextlib.closing(server.connection()) as connection:
            if connection.request("OPTIONS", server.place.addresses).status < 500:
                return
        time.sleep(0.05)
    said = server.log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise AnswerError(f"{server.name} did not start: {said}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process's group."""
    if os.name == "nt":
        command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - Windows' own tool
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
