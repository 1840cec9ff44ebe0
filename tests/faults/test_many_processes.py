"""Several gateway processes on one database behave as one, whichever of them answers a request."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Answer, Device

ROOT = Path(__file__).parents[2]
_CLIENTS, _PROCESSES = 20, 3
_HOT = 8  # contacts that all clients edit
_BUSY = (500, 503)
_TRIES = 30  # by then it was told to wait for ten seconds


@dataclass
class BalancedDevice(Device):
    """A device behind a load balancer: each request goes to any process, and again if that was busy."""

    bases: tuple[str, ...] = ()
    chance: random.Random = field(default_factory=random.Random)

    def request(
        self, method: str, path: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request."""
        for attempt in range(_TRIES):
            self.base = self.chance.choice(self.bases)
            answer = super().request(method, path, body, headers)
            if answer.status not in _BUSY:
                break
            time.sleep(0.02 * attempt)
        return answer


@contextmanager
def processes(server: Server, count: int) -> Iterator[tuple[str, ...]]:
    """Run real gateway processes on one configuration; give their base URLs."""
    with ExitStack() as stack:
        bases = []
        for number in range(count):
            port = _free_port()
            own = server.folder / f"radicale-{number}.ini"
            text = server.config.read_text(encoding="utf-8")
            own.write_text(text.replace("[server]", f"[server]\nhosts = 127.0.0.1:{port}"), encoding="utf-8")
            command = [sys.executable, "-m", "radicale_flowfact", "serve", "--config", str(own)]
            log = stack.enter_context((server.folder / f"log-{number}").open("w", encoding="utf-8"))
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=dict(os.environ))  # noqa: S603
            stack.callback(process.wait)
            stack.callback(process.terminate)
            bases.append(f"http://127.0.0.1:{port}")
        for base in bases:
            _wait_for(base)
        yield tuple(bases)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(base: str) -> None:
    for _ in range(300):
        try:
            requests.get(base, timeout=60, allow_redirects=False)
        except requests.exceptions.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{base} does not answer")


class Client:
    """One of the office's phones: makes, edits, deletes and polls, and keeps what it was told."""

    def __init__(self, number: int, bases: tuple[str, ...]) -> None:
        self.number = number
        self.chance = random.Random(number)  # noqa: S311 - a test's dice
        agent = f"Phone/{number}"
        self.device = BalancedDevice(bases[0], "anna", agent=agent, bases=bases, chance=self.chance)
        self.token = ""
        self.etags: dict[str, str] = {}
        self.made: set[int] = set()
        self.deleted: set[int] = set()
        self.wrote: Counter[str] = Counter()
        self.refused = 0

    def run(self, steps: int) -> None:
        """Do some steps; the last poll, once all others are done, is up to the test."""
        for step in range(steps):
            self.chance.choice([self.make, self.edit, self.edit, self.poll, self.poll])(step)

    def make(self, step: int) -> None:
        """Make a contact; now and then delete it again."""
        number = self.number * 1000 + step
        href = f"addresses/{number}.vcf"
        answer = self.device.put(href, payloads.vcard(f"u-{number}", name=f"N{number};;;;"))
        assert answer.status in (201, 204), (answer.status, answer.text)
        self.made.add(number)
        if self.chance.random() < 0.3:
            assert self.device.delete(href).status in (200, 404)
            self.deleted.add(number)

    def edit(self, step: int) -> None:
        """Add one to a contact that all others edit, too: each success counts, a 412 changes nothing."""
        href = f"addresses/hot-{self.chance.randrange(_HOT)}.vcf"
        got = self.device.get(href)
        assert got.status == 200
        note = re.search(r"NOTE:(\d+)", got.text)
        assert note is not None
        changed = got.text.replace(note[0], f"NOTE:{int(note[1]) + 1}")
        answer = self.device.put(href, changed, got.etag)
        assert answer.status in (204, 412), (answer.status, answer.text)
        if answer.status == 204:
            self.wrote[href.partition("/")[2]] += 1
        else:
            self.refused += 1

    def poll(self, step: int) -> None:
        """Sync: what is told is kept, and the new token."""
        found = self.device.sync("addresses", self.token)
        for href in found.gone:
            self.etags.pop(href, None)
        self.etags |= found.changed
        self.token = found.token


@pytest.mark.parametrize(("refresh_seconds", "steps"), [(5, 50), (0, 25)])
def test_a_thousand_edits_and_polls_by_twenty_clients(
    agency: Agency, server: Server, refresh_seconds: int, steps: int
) -> None:
    if server.database.engine.dialect.name == "sqlite":
        pytest.skip("one file is for one machine; its writers wait for each other anyway")
    office, tables = agency.office, agency.office.tables
    for number in range(30):
        office.address([agency.own], ["0221 1"], NAME=f"Office{number}")
    server.settings = f"refresh_seconds = {refresh_seconds}\n"
    server.write_configuration()
    with processes(server, _PROCESSES) as bases:
        clients = [Client(number, bases) for number in range(_CLIENTS)]
        for number in range(_HOT):
            card = payloads.vcard(f"hot-{number}", "NOTE:0", name=f"Hot{number};;;;")
            assert clients[0].device.put(f"addresses/hot-{number}.vcf", card).status == 201
        with ThreadPoolExecutor(_CLIENTS + 1) as pool:
            running = [pool.submit(client.run, steps) for client in clients]
            desktop = pool.submit(_desktop, agency)
            for one in running:
                one.result()
            desktop.result()
        if refresh_seconds:
            time.sleep(refresh_seconds + 0.1)
        for client in clients:
            client.poll(0)
        server.base = bases[0]
        server.verify()
        first = clients[0].device
        listed = first.sync("addresses").changed
        for client in clients:
            assert client.etags == listed  # nothing was missed, whoever answered
        for href, text in first.all("addresses").items():
            if href.startswith("hot-"):
                wrote = sum(client.wrote[href] for client in clients)
                assert f"NOTE:{wrote}" in text.splitlines()  # no edit was lost without a 412
    made = {number for client in clients for number in client.made}
    names = Counter(row["NAME"] for row in office.rows(tables.address))
    assert {name: count for name, count in names.items() if name.startswith("N")} == {f"N{n}": 1 for n in made}
    tagged = {row["AD_DSN"] for row in office.rows(tables.address_merkmal, MKM_DSN=agency.own)}
    assert len(listed) == len(tagged)
    assert sum(client.refused for client in clients) > 0  # they did meet


def _desktop(agency: Agency) -> None:
    """Change, tag and untag records, as FlowFact's desktops do all day."""
    office, tables = agency.office, agency.office.tables
    chance = random.Random(2007)  # noqa: S311 - a test's dice
    dsns = [row["DSN"] for row in office.rows(tables.address) if row["NAME"].startswith("Office")]
    for count in range(100):
        dsn = chance.choice(dsns)
        office.change(tables.address, {"DSN": dsn}, STRASSE=f"Weg {count}")
        office.remove(tables.address_merkmal, AD_DSN=dsn, MKM_DSN=agency.own)
        if chance.random() < 0.8:
            office.tag_address(dsn, agency.own)
        office.address([agency.own], NAME=f"Desk{count}")
        time.sleep(0.02)
