"""A fault before the statements of every kind of write: the tables stay right, and the device's retry succeeds.

Of the three writes that everybody makes, kill -9 comes before every statement; of the others, and of other faults, a
sample is tried. `FLOWFACT_EVERY_FAULT=1` tries them all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.conftest import Agency, Server
from tests.device import Answer, Device
from tests.faults.writes import KINDS, World

_ENOUGH = 200  # no write has so many statements
_STEPS = {
    ("sqlite", "kill"): 5,
    ("sqlite", "cut"): 11,
    ("sqlite", "full"): 7,
    ("postgresql", "kill"): 11,
    ("postgresql", "cut"): 5,
}
_MOST_MADE = ("new_contact", "changed_contact", "deleted_record")
_EVERY = os.environ.get("FLOWFACT_EVERY_FAULT") == "1"  # takes long
_SETTINGS = "[safety]\nmax_vanish_items = 3\nmax_vanish_percent = 90\n"
_LOST = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)


@dataclass
class FaultyDevice(Device):
    """A device whose next request meets a fault."""

    fault: str = ""

    def request(
        self, method: str, path: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request."""
        return super().request(method, path, body, {**(headers or {}), "X-Fault": self.fault})


@contextmanager
def faulty(server: Server) -> Iterator[str]:
    """Run the server with the faults; give its base URL."""
    port_file = server.folder / "faulty-port"
    command = [sys.executable, "-m", "tests.faults.faulty_server", str(server.config), str(port_file)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        while not port_file.exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port_file.read_text(encoding='ascii')}"
    finally:
        process.kill()
        process.wait()


def is_met(device: FaultyDevice, world: World, kind: str, number: int, fault: str) -> bool:
    """Let one write meet a fault and try it again; return whether the fault came at all."""
    attempt = KINDS[kind](world, number)
    device.fault = fault
    try:
        answer = attempt.send(device)
        met = answer.headers["X-Fault-Fired"] == "True"
        # A fault may come when all is done, or where the request has another way; else the client is told to wait.
        assert answer.status in (*attempt.fine, 500, 503), answer.text
    except _LOST:
        met = True
    world.server.verify()
    again = attempt.send(FaultyDevice(device.base, "anna", fault=""))
    assert again.status in attempt.fine, again.text
    attempt.proof()  # and the next verify sees what the retry left
    return met


@pytest.mark.parametrize("fault", ["kill", "cut", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_every_statement(agency: Agency, server: Server, kind: str, fault: str) -> None:
    if (server.database.engine.dialect.name, fault) not in _STEPS:
        pytest.skip("only its own administrator can fill a database server's disk")
    # A sample, denser where the fault is at home; which statements differs from write to write.
    is_whole = _EVERY or (fault == "kill" and kind in _MOST_MADE)
    step = 1 if is_whole else _STEPS[server.database.engine.dialect.name, fault]
    first = 1 + list(KINDS).index(kind) % step
    world = World(agency, server.start(_SETTINGS))
    with faulty(server) as base:
        device = FaultyDevice(base, "anna")
        assert not is_met(device, world, kind, 0, "")
        for at in range(first, _ENOUGH, step):
            if not is_met(device, world, kind, at, f"{fault} {at}"):
                break
        else:
            pytest.fail("the write never ended")
    assert at > 5
