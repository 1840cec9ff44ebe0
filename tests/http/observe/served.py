"""``radicale-flowfact serve`` as a process of its own, with what it logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import Server
from tests.device import Device


@dataclass
class Served:
    """A server that runs; ``log`` is what it wrote to standard error so far."""

    base: str
    file: Path

    @property
    def log(self) -> str:
        """Everything that was logged."""
        return self.file.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """Return the log's lines, which are JSON."""
        return [json.loads(line) for line in self.log.splitlines()]

    def device(self, login: str = "anna", agent: str = "Test/1.0") -> Device:
        """Return a device that knows this server."""
        return Device(self.base, login, agent=agent)


@contextmanager
def served(server: Server, port: int, settings: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve the configuration of a test with these settings until the block ends."""
    server.settings = settings
    server.write_configuration()
    config = server.config.read_text(encoding="utf-8")
    server.config.write_text(config.replace("[server]", f"[server]\nhosts = 127.0.0.1:{port}"), encoding="utf-8")
    log = server.folder / "log"
    command = [sys.executable, "-m", "radicale_flowfact", "serve", "--config", str(server.config)]
    with (
        log.open("wb") as told,
        subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=subprocess.DEVNULL, stderr=told, env={**os.environ, **(environment or {})}
        ) as process,
    ):
        try:
            made = Served(f"http://127.0.0.1:{port}", log)
            _wait(made, process)
            yield made
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _wait(made: Served, process: subprocess.Popen[bytes]) -> None:
    for _ in range(900):
        try:
            made.device().request("OPTIONS", "/")
        except OSError:
            assert process.poll() is None, made.log
            time.sleep(0.1)
        else:
            return
    raise AssertionError(made.log)
