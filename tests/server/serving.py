"""Runs ``radicale-flowfact serve`` as an admin does, on free ports, and finds its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.device import Device

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(server: Server, ports: Sequence[int]) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``serve`` with the configuration of ``server`` on ports of 127.0.0.1, and stop it afterwards."""
    hosts = ", ".join(f"127.0.0.1:{port}" for port in ports)
    own = server.folder / f"radicale-{ports[0]}.ini"
    text = server.config.read_text(encoding="utf-8")
    own.write_text(text.replace("[server]", f"[server]\nhosts = {hosts}"), encoding="utf-8")
    command = [sys.executable, "-m", "radicale_flowfact", "serve", "--config", str(own)]
    with (server.folder / f"log-{ports[0]}").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=dict(os.environ))  # noqa: S603
        try:
            for port in ports:
                until_it_answers(port)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


def until_it_answers(port: int) -> None:
    """Wait until a server that has just been started answers."""
    device = Device(f"http://127.0.0.1:{port}", "anna")
    for _ in range(300):
        try:
            device.propfind("addresses/", "<sync-token/>")
        except OSError:
            time.sleep(0.1)
        else:
            device.session.close()
            return
    pytest.fail("the server does not answer")


def descendants(pid: int) -> set[int]:
    """Return the processes below one, by Linux' /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8")
            except OSError:  # ended meanwhile
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def is_running(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
