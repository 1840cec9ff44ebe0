"""tsdav (JavaScript, in web and Electron programs) against the gateway: a two-way flow over all three collections."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests import payloads
from tests.clients import records, tools
from tests.conftest import Agency, Server

_HERE = Path(__file__).parent / "tsdav"
LATER = datetime(2026, 6, 15, 11)


@dataclass
class Tsdav:
    """A running tsdav with one account; it keeps what it synced."""

    process: subprocess.Popen[str]

    def do(self, command: str, **given: str) -> Any:  # noqa: ANN401 - JSON
        """Let it do one thing and return what came of it."""
        ask, answers = self.process.stdin, self.process.stdout
        assert ask is not None
        assert answers is not None
        ask.write(json.dumps({"command": command, **given}) + "\n")
        ask.flush()
        answer = json.loads(answers.readline() or '{"error": "tsdav ended"}')
        assert "error" not in answer, answer["error"]
        return answer["result"]


@pytest.fixture
def tsdav(server: Server) -> Iterator[Callable[[str], Tsdav]]:
    """Give a way to start tsdav with nothing but the bare URL."""
    node = tools.require("node", "on Debian: sudo apt install nodejs npm")
    tools.require_folder(_HERE / "node_modules", f"npm ci --prefix {_HERE}")
    running: list[subprocess.Popen[str]] = []

    def start(account: str) -> Tsdav:
        command = [node, str(_HERE / "drive.mjs"), server.base, account]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8"))  # noqa: S603
        return Tsdav(running[-1])

    yield start
    for process in running:
        process.communicate(timeout=30)


def test_calendars(agency: Agency, server: Server, tsdav: Callable[[str], Tsdav]) -> None:
    office, activity = agency.office, agency.office.tables.activity
    agency.appointment(BETREFF="Besuch")
    agency.task(BETREFF="Anruf")
    server.start()
    client = tsdav("caldav")

    found = {one["name"]: one for one in client.do("discover")}
    kinds = {name: one["components"] for name, one in found.items()}
    assert kinds == {"appointments": ["VEVENT", "VJOURNAL"], "tasks": ["VTODO", "VJOURNAL"]}
    assert all("syncCollection" in one["reports"] for one in found.values())
    (visit,) = client.do("first", name="appointments")
    (call,) = client.do("first", name="tasks")

    text = client.do("read", name="appointments", href=visit)
    edited = client.do("edit", name="appointments", href=visit, text=text.replace("Besuch", "Besuch 2"))
    made = client.do("create", name="appointments", href="neu.ics", text=payloads.event("neu", summary="Notar"))
    assert (edited["status"], made["status"]) == (204, 201)
    assert {row["BETREFF"] for row in office.rows(activity)} == {"Besuch 2", "Anruf", "Notar"}

    assert client.do("sync", name="appointments") == {"created": ["neu.ics"], "updated": [visit], "deleted": []}
    assert "SUMMARY:Besichtigung: Notar" in client.do("read", name="appointments", href="neu.ics")
    office.change(activity, {"BETREFF": "Notar"}, BETREFF="Notar um 9", TOUCH=LATER)
    outdated = client.do("read", name="appointments", href="neu.ics").replace("Notar", "Makler")
    assert client.do("edit", name="appointments", href="neu.ics", text=outdated)["status"] == 412
    assert client.do("remove", name="appointments", href="neu.ics")["status"] == 412
    assert client.do("sync", name="appointments") == {"created": [], "updated": ["neu.ics"], "deleted": []}
    assert "Notar um 9" in client.do("read", name="appointments", href="neu.ics")

    assert client.do("remove", name="appointments", href="neu.ics")["status"] == 200
    done = client.do("read", name="tasks", href=call).replace("STATUS:NEEDS-ACTION", "STATUS:COMPLETED")
    assert client.do("edit", name="tasks", href=call, text=done)["status"] == 204
    assert client.do("sync", name="appointments") == {"created": [], "updated": [], "deleted": ["neu.ics"]}
    assert {row["BETREFF"]: row["ERLEDIGT"] for row in office.rows(activity)} == {
        "Besuch 2": False,
        "Notar um 9": False,
        "Anruf": True,
    }


def test_contacts(agency: Agency, server: Server, tsdav: Callable[[str], Tsdav]) -> None:
    office, address = agency.office, agency.office.tables.address
    office.address([agency.own], STRASSE="Weg 1")
    server.start()
    client = tsdav("carddav")

    assert [one["name"] for one in client.do("discover")] == ["addresses"]
    (href,) = client.do("first", name="addresses")
    assert client.do("sync", name="addresses")["updated"] == []
    text = client.do("read", name="addresses", href=href)
    edited = client.do("edit", name="addresses", href=href, text=text.replace("Weg 1", "Weg 2"))
    made = client.do("create", name="addresses", href="neu.vcf", text=payloads.vcard("neu"))
    assert (edited["status"], made["status"]) == (204, 201)
    assert office.rows(address, NAME="Muster")[0]["STRASSE"] == "Weg 2"

    assert client.do("sync", name="addresses") == {"created": ["neu.vcf"], "updated": [href], "deleted": []}
    office.change(address, {"NAME": "Muster"}, STRASSE="Weg 3", TOUCH=LATER)
    text = client.do("read", name="addresses", href=href)
    assert client.do("edit", name="addresses", href=href, text=text.replace("Weg 2", "Weg 4"))["status"] == 412
    assert client.do("sync", name="addresses")["updated"] == [href]
    assert "Weg 3" in client.do("read", name="addresses", href=href)

    assert client.do("remove", name="addresses", href="neu.vcf")["status"] == 200
    assert client.do("sync", name="addresses") == {"created": [], "updated": [], "deleted": ["neu.vcf"]}
    assert len(office.rows(address)) == 2


def test_tsdav_edits_records_of_flowfact(agency: Agency, server: Server, tsdav: Callable[[str], Tsdav]) -> None:
    counts = records.fill(agency)
    server.start()
    before = agency.office.everything()
    for account, names in (("carddav", ("addresses",)), ("caldav", ("appointments", "tasks"))):
        client = tsdav(account)
        client.do("discover")
        for name in names:
            hrefs = client.do("first", name=name)
            assert len(hrefs) == counts[name]
            for href in hrefs:
                text = client.do("read", name=name, href=href)
                end = max(text.rfind(f"END:{kind}") for kind in ("VCARD", "VEVENT", "VTODO"))
                added = f"{text[:end]}X-OWN:1\r\n{text[end:]}"
                assert client.do("edit", name=name, href=href, text=added)["status"] == 204
    assert agency.office.everything() == before
    served = records.texts(server.device())
    assert all("X-OWN:1" in text for texts in served.values() for text in texts)
