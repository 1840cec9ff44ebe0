"""Supervises the worker processes: starts them, replaces one that died, ends them with itself.

``python -m radicale_flowfact.server.workers <workers> <certificate> <key> <address> <port> [<address> <port> …]``, with
RADICALE_CONFIG naming the configuration; without TLS, certificate and key are empty. It imports nothing of the
gateway, so that this process stays small.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from radicale_flowfact.server.sockets import bound

_MODULE = "radicale_flowfact.server.workers"
_WORKER = "radicale_flowfact.server.worker"
_STOP_SECONDS = 15.0  # a worker has ten of them for what it is answering
_CRASHES, _CRASH_SECONDS = 5, 30.0
"""After so many deaths of workers in so many seconds the server ends, so that its service manager reports it."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Holds addresses with ports and the number of workers; ``certificate``, ``key``: files, or both empty."""

    places: tuple[tuple[str, int], ...]
    workers: int
    certificate: str = ""
    key: str = ""

    def command(self) -> list[str]:
        """Return the command line of the listening process."""
        places = [part for address, port in self.places for part in (address, str(port))]
        return [sys.executable, "-m", _MODULE, str(self.workers), self.certificate, self.key, *places]


def listen(listening: Listening) -> None:
    """Serve until a stop signal arrives. Raises RuntimeError if the workers die again and again."""
    with shared_metrics():
        Supervisor(listening).run()


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Let the metrics of the processes that are started in this block add up, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="radicale-flowfact-") as folder:
        is_ours = os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder) == folder
        try:
            yield
        finally:
            if is_ours:
                del os.environ["PROMETHEUS_MULTIPROC_DIR"]


@dataclass
class Supervisor:
    """Runs the workers of one server.

    The sockets listen here and are inherited, so that no connection is lost with a worker. Windows cannot do that: its
    one worker listens itself. Each worker's input is a pipe that only this process writes to: closed, also by
    this process' death, it ends the worker.
    """

    listening: Listening
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _events: SimpleQueue[subprocess.Popen[bytes] | None] = field(default_factory=SimpleQueue)

    def run(self) -> None:
        """Serve until a stop signal arrives. Raises RuntimeError."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._events.put(None))
        if sys.platform == "win32":
            places, inherited = [f"{address} {port}" for address, port in self.listening.places], []
            count = 1
        else:
            sockets = [bound(*place) for place in self.listening.places]
            inherited = [listener.fileno() for listener in sockets]
            places, count = [f"fd:{number}" for number in inherited], self.listening.workers
        command = [sys.executable, "-m", _WORKER, self.listening.certificate, self.listening.key, *places]
        try:
            for _ in range(count):
                self._start(command, inherited)
            self._supervise(command, inherited)
        finally:
            self._stop()

    def _start(self, command: Sequence[str], inherited: Sequence[int]) -> None:
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=inherited)  # noqa: S603 - our own module
        self._running.append(worker)
        threading.Thread(target=self._wait_for, args=(worker,), daemon=True).start()

    def _wait_for(self, worker: subprocess.Popen[bytes]) -> None:
        worker.wait()
        self._events.put(worker)

    def _supervise(self, command: Sequence[str], inherited: Sequence[int]) -> None:
        deaths: deque[float] = deque(maxlen=_CRASHES)
        while True:
            try:
                dead = self._events.get(timeout=1)  # with a time, or Ctrl-C would not be seen on Windows
            except Empty:
                continue
            if dead is None:
                return
            self._running.remove(dead)
            deaths.append(time.monotonic())
            if len(deaths) == _CRASHES and deaths[-1] - deaths[0] < _CRASH_SECONDS:
                raise RuntimeError(f"its workers died {_CRASHES} times in {_CRASH_SECONDS:.0f} seconds")
            time.sleep(0.2)
            self._start(command, inherited)

    def _stop(self) -> None:
        """End the workers: each finishes what it is answering."""
        for worker in self._running:
            if worker.stdin is not None:
                with suppress(OSError):
                    worker.stdin.close()
        end = time.monotonic() + _STOP_SECONDS
        for worker in self._running:
            try:
                worker.wait(max(end - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def main(arguments: list[str]) -> None:
    """Run the supervisor with the arguments of the command line."""
    workers, certificate, key, *places = arguments
    pairs = tuple((address, int(port)) for address, port in zip(places[::2], places[1::2], strict=True))
    try:
        listen(Listening(pairs, int(workers), certificate, key))
    except RuntimeError as error:
        sys.exit(f"The server ends: {error}.")


if __name__ == "__main__":
    main(sys.argv[1:])
