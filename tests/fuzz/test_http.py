"""The HTTP face: no request is answered with a 5xx or slowly, hides other items, or changes rows though refused."""

from __future__ import annotations

import base64
import socket
from functools import partial
from urllib.parse import urlsplit

from hypothesis import strategies as st

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.fuzz.conftest import Fuzz
from tests.fuzz.http_requests import COLLECTIONS, Sent, answered_within, script

ANNA = "Basic " + base64.b64encode(b"anna:pw").decode()
SECONDS = 5.0
SETTINGS = "[appointments]\npast_days = -1\n[safety]\nmax_vanish_percent = 100\n"


def send(base: str, sent: Sent) -> int:
    """Send a request over a connection of its own; return the status, 0 for a connection that is just closed."""
    host = urlsplit(base).netloc
    address = (urlsplit(base).hostname or "", urlsplit(base).port or 0)
    with socket.create_connection(address, timeout=30) as connection:
        try:
            connection.sendall(sent.wire(host, ANNA))
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # it answered before it had everything
            pass
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionError:
            pass
    parts = answer.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


class Target:
    """A gateway with an item in each collection that nothing may hide, and two that requests may change."""

    def __init__(self, agency: Agency, server: Server) -> None:
        self.office = agency.office
        self.address = self.office.address([agency.own], NAME="Wächter")
        self.appointment = agency.appointment(BETREFF="Wächter")
        self.task = agency.task(BETREFF="Wächter")
        self.base = server.start(SETTINGS).base
        self.device: Device = server.device(agent="Guard/1.0")
        self.guards = {name: set(self.device.sync(name).changed) for name in COLLECTIONS}
        self.device.put("addresses/known.vcf", payloads.vcard("known"))
        self.device.put("appointments/known.ics", payloads.event("known", "RRULE:FREQ=DAILY"))
        self.device.put("tasks/known.ics", payloads.todo("known"))

    def play(self, seed: int) -> None:
        """Send some requests; none may do harm."""
        before = self.office.everything()
        for sent in script(seed):
            status = answered_within(SECONDS, partial(send, self.base, sent))
            assert status < 500, (status, sent)
            if sent.method in ("PUT", "DELETE"):
                after = self.office.everything()
                assert status < 400 or after == before, (status, sent)
                before = after
        assert self.office.everything() == before
        self.check()

    def check(self) -> None:
        """Look whether the guards are still listed, and whether everything can be read."""
        for name in COLLECTIONS:
            listed = self.device.sync(name).changed
            assert self.guards[name] <= set(listed)
            assert all(text for _, text in self.device.multiget(name, listed).values())


def test_http(agency: Agency, server: Server, fuzz: Fuzz) -> None:
    fuzz.run(Target(agency, server).play, st.integers(0, 2**64), 60)
