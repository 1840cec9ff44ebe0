"""kill -9 of the server at every statement of a write leaves all of it or nothing, and a retry works.

Each death costs a new process here. Where a process can be forked, ``tests/faults`` lets the same writes die at every
statement for a tenth of the time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Answer, Device

pytestmark = pytest.mark.skipif(hasattr(os, "fork"), reason="tests/faults shows it where processes fork")

_ENOUGH = 200  # no write has so many statements


@contextmanager
def dying(server: Server, at: int) -> Iterator[Device]:
    """Run a server that dies at a statement; give a device that talks to it."""
    port_file = server.folder / f"port-{at}"
    command = [sys.executable, "-m", "tests.dying_server", str(server.config), str(port_file), str(at)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])  # noqa: S603 - our own module
    try:
        while not port_file.exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield Device(f"http://127.0.0.1:{port_file.read_text(encoding='ascii')}", "anna")
    finally:
        process.kill()
        process.wait()


def at_each_statement(server: Server, attempt: Callable[[Device, int], Answer], check: Callable[[int], None]) -> int:
    """Let the server die at the first statement, the second …, until the write survives; return their number."""
    for at in range(1, _ENOUGH):
        with dying(server, at) as device:
            try:
                attempt(device, at)
            except requests.exceptions.ConnectionError:
                survived = False
            else:
                survived = True
        check(at)
        if survived:
            return at - 1
    pytest.fail("the write never ended")


def test_new_contact(agency: Agency, server: Server) -> None:
    server.start()
    tables, office = agency.office.tables, agency.office

    def attempt(device: Device, at: int) -> Answer:
        return device.put(f"addresses/{at}.vcf", payloads.vcard(f"u-{at}", "TEL;TYPE=WORK:0221 1", name=f"N{at};;;;"))

    def check(at: int) -> None:
        rows = office.rows(tables.address, NAME=f"N{at}")
        assert len(rows) in (0, 1)
        for row in rows:
            assert office.rows(tables.address_merkmal, AD_DSN=row["DSN"])
            assert office.rows(tables.phone, AD_DSN=row["DSN"])
        assert len(office.rows(tables.address)) == len(office.rows(tables.address_merkmal))
        assert attempt(server.device(), at).status in (201, 204)
        assert len(office.rows(tables.address, NAME=f"N{at}")) == 1
        assert f"{at}.vcf" in server.device().sync("addresses").changed

    assert at_each_statement(server, attempt, check) > 15


def test_changed_contact(agency: Agency, server: Server) -> None:
    tables, office = agency.office.tables, agency.office
    dsn = office.address([agency.own], ["0221 0"], STRASSE="Weg 0")
    server.start()
    href = next(iter(server.device().sync("addresses").changed))

    def attempt(device: Device, at: int) -> Answer:
        got = server.device().get(f"addresses/{href}")
        text = "\r\n".join(
            {"TEL": f"TEL;TYPE=WORK,VOICE:0221 {at}", "ADR": f"ADR;TYPE=WORK:;;Weg {at};;;;"}.get(line[:3], line)
            for line in payloads.lines_of(got.text)
        )
        return device.put(f"addresses/{href}", text, got.etag)

    def check(at: int) -> None:
        street = office.row(tables.address, DSN=dsn)["STRASSE"]
        number = office.row(tables.phone, AD_DSN=dsn)["NUMMER"]
        assert (street == f"Weg {at}") == (number == f"0221 {at}")
        if number != f"0221 {at}":
            assert attempt(server.device(), at).status == 204

    assert at_each_statement(server, attempt, check) > 15


def test_deleted_contact(agency: Agency, server: Server) -> None:
    tables, office = agency.office.tables, agency.office
    dsn = office.address([agency.own])
    server.start()
    href = next(iter(server.device().sync("addresses").changed))

    def check(at: int) -> None:
        tagged = bool(office.rows(tables.address_merkmal, AD_DSN=dsn))
        assert (server.device().get(f"addresses/{href}").status == 200) == tagged
        if tagged:
            assert server.device().delete(f"addresses/{href}").status == 200
        office.tag_address(dsn, agency.own)
        assert server.device().get(f"addresses/{href}").status == 200

    assert at_each_statement(server, lambda device, _: device.delete(f"addresses/{href}"), check) > 8
