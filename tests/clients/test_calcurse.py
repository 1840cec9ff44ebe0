"""calcurse-caldav (Debian's) against the gateway: appointments and tasks, both ways.

It looks for no collections but is told their path, and it has no edit: what is changed in calcurse is pushed as
a new object, and the old one is deleted.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.clients import tools
from tests.conftest import Agency, Server

LATER = datetime(2026, 6, 15, 11)
PYTHON = "/usr/bin/python3"  # Debian's own, with Debian's httplib2
CONFIG = """\
[General]
Hostname = {host}
Path = /anna/{collection}/
HTTPS = No
DryRun = No
SyncFilter = {what}
[Auth]
Username = anna
Password = pw
"""


@dataclass
class Calcurse:
    """One calcurse with its own data, synced with one collection. ``file`` holds its entries, a line each."""

    folder: Path
    file: Path

    def sync(self, *arguments: str) -> str:
        """Run calcurse-caldav and return what it says."""
        names = {"config": "config", "datadir": "data", "syncdb": "sync.db", "lockfile": "lock", "hookdir": "hooks"}
        options = [f"--{option}={self.folder / name}" for option, name in names.items()]
        command = [PYTHON, tools.require("calcurse-caldav", ""), *options, "--verbose", *arguments]
        environment = {**os.environ, "HOME": str(self.folder), "TZ": "Europe/Berlin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(  # noqa: S603
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def lines(self) -> list[str]:
        """Return its entries."""
        return self.file.read_text(encoding="utf-8").splitlines()

    def change(self, pattern: str, new: str) -> None:
        """Change its entries by a regular expression, as the user does in the program."""
        text, count = re.subn(pattern, new, self.file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count == 1
        self.file.write_text(text, encoding="utf-8")

    def add(self, line: str) -> None:
        """Add an entry."""
        self.file.write_text(self.file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")


def calcurse(server: Server, folder: Path, collection: str) -> Calcurse:
    """Configure a calcurse for a collection and sync for the first time."""
    hint = "on Debian: sudo apt install calcurse python3-httplib2"
    tools.require("calcurse-caldav", hint)
    if subprocess.run([PYTHON, "-c", "import httplib2"], capture_output=True, check=False).returncode:  # noqa: S603
        tools.missing(f"httplib2 is not installed: {hint}")
    (folder / "data").mkdir(parents=True)
    is_calendar = collection == "appointments"
    host = server.base.removeprefix("http://")
    text = CONFIG.format(host=host, collection=collection, what="cal" if is_calendar else "todo")
    (folder / "config").write_text(text, encoding="utf-8")
    made = Calcurse(folder, folder / "data" / ("apts" if is_calendar else "todo"))
    made.sync("--init=keep-remote")
    return made


@pytest.fixture
def own(agency: Agency) -> Agency:
    """Give the agency with two appointments and a task of Anna's."""
    agency.appointment(BETREFF="Besuch")
    agency.appointment(BETREFF="Bleibt", BEGINN=datetime(2026, 6, 21, 10), ENDE=datetime(2026, 6, 21, 11))
    agency.task(BETREFF="Anruf")
    return agency


def test_appointments(own: Agency, server: Server, tmp_path: Path) -> None:
    office, activity = own.office, own.office.tables.activity
    client = calcurse(server.start(), tmp_path / "calcurse", "appointments")
    first = "06/20/2026 @ 10:00 -> 06/20/2026 @ 11:00"
    assert [line.partition("|")[2] for line in client.lines()] == ["Besichtigung: Besuch", "Besichtigung: Bleibt"]
    assert client.lines()[0].startswith(first)

    client.add("07/01/2026 @ 09:00 -> 07/01/2026 @ 10:00 |Notar")
    assert "1 items exported, 0 items removed from the server" in client.sync()
    row = office.rows(activity, BETREFF="Notar")[0]
    assert (row["BEGINN"], row["ENDE"]) == (datetime(2026, 7, 1, 9), datetime(2026, 7, 1, 10))

    client.change("Besichtigung: Besuch$", "Besichtigung: Besuch 2")
    assert "1 items exported, 1 items removed from the server" in client.sync()
    assert shown(own, own.visit) == {"Besuch 2", "Bleibt", "Notar"}

    office.change(activity, {"BETREFF": "Bleibt"}, BEGINN=datetime(2026, 6, 21, 8), TOUCH=LATER)
    assert "1 items imported" in client.sync()
    assert any(line.startswith("06/21/2026 @ 08:00") for line in client.lines())

    office.change(activity, {"BETREFF": "Bleibt"}, BETREFF="Bleibt doch", TOUCH=LATER)
    client.change("^.*Bleibt\n", "")
    assert "0 items removed from the server" in client.sync()
    assert shown(own, own.visit) == {"Besuch 2", "Bleibt doch", "Notar"}
    client.sync()
    assert any("Bleibt doch" in line for line in client.lines())

    client.change("^.*Bleibt doch\n", "")
    assert "1 items removed from the server" in client.sync()
    assert shown(own, own.visit) == {"Besuch 2", "Notar"}
    before = office.everything()
    assert "0 items exported, 0 items removed from the server" in client.sync()
    assert office.everything() == before


def test_tasks(own: Agency, server: Server, tmp_path: Path) -> None:
    office, activity = own.office, own.office.tables.activity
    client = calcurse(server.start(), tmp_path / "calcurse", "tasks")
    assert [line.rpartition(" ")[2] for line in client.lines()] == ["Anruf"]

    client.add("[1] Bericht")
    client.sync()
    row = office.rows(activity, BETREFF="Bericht")[0]
    assert (row["PRIORITAET"], row["VORLAGE"]) == (1, datetime(2026, 6, 15))

    office.change(activity, {"BETREFF": "Anruf"}, BETREFF="Anruf 2", TOUCH=LATER)
    assert "1 items imported" in client.sync()
    assert any(line.endswith("Anruf 2") for line in client.lines())
    client.change("^.*Bericht\n", "")
    assert "1 items removed from the server" in client.sync()
    assert shown(own, own.todo) == {"Anruf 2"}


def shown(agency: Agency, kind: str) -> set[str]:
    """Return the subjects of the activities of this kind that carry Anna's own Merkmal."""
    tables = agency.office.tables
    tagged = {row["AKT_DSN"] for row in agency.office.rows(tables.activity_merkmal, MKM_DSN=agency.own)}
    return {str(row["BETREFF"]) for row in agency.office.rows(tables.activity, ART_DSN=kind) if row["DSN"] in tagged}
