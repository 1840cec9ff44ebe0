"""The container's health check asks the gateway as it is configured: with TLS and without, well and unwell."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.tools import require
from tests.conftest import Agency, Server

ROOT = Path(__file__).parents[2]
SECONDS = 60


def healthy(config: Path) -> bool:
    """Run the check as the container does."""
    command = [sys.executable, str(ROOT / "packaging" / "healthcheck.py")]
    environment = {**os.environ, "RADICALE_CONFIG": str(config)}
    return subprocess.run(command, env=environment, check=False, capture_output=True, timeout=60).returncode == 0  # noqa: S603


@contextmanager
def serving(config: Path) -> Iterator[None]:
    """Run the gateway until it is healthy, and to the end of the block."""
    command = [sys.executable, "-m", "radicale_flowfact", "serve", "--config", str(config)]
    with subprocess.Popen(command, cwd=ROOT) as process:  # noqa: S603
        try:
            end = time.monotonic() + SECONDS
            while not healthy(config):
                assert process.poll() is None, "the gateway ended"
                assert time.monotonic() < end, "the gateway is not healthy"
            yield
        finally:
            process.terminate()
            process.wait(SECONDS)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_gateway_is_healthy_as_long_as_it_serves(
    agency: Agency, server: Server, tmp_path: Path, unused_tcp_port: int, tls: bool
) -> None:
    server.write_configuration()
    own = f"[server]\nhosts = 127.0.0.1:{unused_tcp_port}\n"
    if tls:
        certificate(tmp_path)
        own += f"ssl = True\ncertificate = {tmp_path / 'cert.pem'}\nkey = {tmp_path / 'key.pem'}\n"
    server.config.write_text(server.config.read_text("utf-8").replace("[server]", own), "utf-8")
    assert not healthy(server.config)
    with serving(server.config):
        assert healthy(server.config)
    assert not healthy(server.config)


def certificate(folder: Path) -> None:
    """Make a certificate of another name that nobody signed, as the check meets it."""
    openssl = require("openssl", "apt-get install openssl")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=dav.example.com"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603
