"""The processes of a server: they end together, and a new server can start at once."""

from __future__ import annotations

import base64
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.conftest import Agency, Server
from tests.device import Device
from tests.server.serving import descendants, is_running, serving, until_it_answers


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes by /proc")
@pytest.mark.parametrize("addresses", [1, 2])
def test_workers_end_with_a_killed_watcher_and_a_new_server_starts_on_the_same_port(
    agency: Agency, server: Server, unused_tcp_port_factory: Callable[[], int], addresses: int
) -> None:
    server.settings = "workers = 2\n"
    server.write_configuration()
    ports = [unused_tcp_port_factory() for _ in range(addresses)]
    with serving(server, ports) as process:
        below = descendants(process.pid)
        assert len(below) >= 2
        process.kill()
        process.wait()
        deadline = time.monotonic() + 20
        while any(map(is_running, below)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [pid for pid in below if is_running(pid)]
    with serving(server, ports) as process:
        assert process.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes by /proc")
def test_a_worker_that_dies_is_replaced(agency: Agency, server: Server, unused_tcp_port: int) -> None:
    server.settings = "workers = 1\n"
    server.write_configuration()
    with serving(server, [unused_tcp_port]) as process:
        (worker,) = descendants(process.pid)
        os.kill(worker, signal.SIGKILL)
        until_it_answers(unused_tcp_port)  # the socket listens all the time, so nothing is refused
        (other,) = descendants(process.pid)
        assert other != worker


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one address of this machine")
def test_half_sent_puts_and_silent_connections_keep_nobody_out(
    agency: Agency, server: Server, unused_tcp_port: int
) -> None:
    server.settings = "workers = 1\n"
    server.write_configuration()
    settings = server.folder / "flowfact.toml"
    settings.write_text(f"trusted_proxies = []\n{settings.read_text(encoding='utf-8')}", encoding="utf-8")
    credentials = base64.b64encode(b"anna:pw").decode()
    half = (
        f"PUT /anna/addresses/a.vcf HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n"
        "Content-Type: text/vcard\r\nContent-Length: 1000\r\n\r\nBEGIN:VCARD\r\n"
    )
    with serving(server, [unused_tcp_port]), ExitStack() as stack:
        for number in range(1100):
            source = ("127.0.0.2", 0)
            attacker = socket.create_connection(("127.0.0.1", unused_tcp_port), timeout=10, source_address=source)
            stack.enter_context(attacker)
            if number % 27 == 0:
                attacker.sendall(half.encode())
        phone = Device(f"http://127.0.0.1:{unused_tcp_port}", "anna")
        stack.callback(phone.session.close)
        started = time.monotonic()
        assert phone.propfind("addresses/", "<sync-token/>").status == 207
        assert time.monotonic() - started < 5
