"""vdirsyncer against the gateway: a two-way sync of all three collections, discovered from the bare URL."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests import payloads
from tests.clients import records, tools
from tests.conftest import Agency, Server

_PAIR = """\
[pair {name}]
a = "{name}_local"
b = "{name}_remote"
collections = {collections}
conflict_resolution = "b wins"

[storage {name}_local]
type = "filesystem"
path = "{folder}/{name}"
fileext = "{suffix}"

[storage {name}_remote]
type = "{kind}"
url = "{url}"
username = "anna"
password = "pw"
useragent = "vdirsyncer"

"""


@pytest.fixture
def vdir(server: Server, agency: Agency, tmp_path: Path) -> Path:
    """Configure vdirsyncer, with a folder for each collection; discover and sync once."""
    tools.require_package("vdirsyncer")
    agency.office.address([agency.own], STRASSE="Weg 1")
    agency.appointment(BETREFF="Besuch")
    agency.appointment(BETREFF="Bleibt")
    agency.task(BETREFF="Anruf")
    agency.office.address([agency.bens])
    server.start()
    pairs = [
        ("contacts", "carddav", '["addresses"]', ".vcf"),
        ("calendars", "caldav", '["appointments", "tasks"]', ".ics"),
    ]
    text = f'[general]\nstatus_path = "{tmp_path.as_posix()}/status"\n\n'
    for name, kind, collections, suffix in pairs:
        text += _PAIR.format(
            name=name, kind=kind, collections=collections, suffix=suffix, folder=tmp_path.as_posix(), url=server.base
        )
        for collection in collections.strip('[]"').split('", "'):
            (tmp_path / name / collection).mkdir(parents=True)
    (tmp_path / "vdirsyncer").write_text(text, encoding="utf-8")
    run(tmp_path, "discover")
    run(tmp_path, "sync")
    return tmp_path


def run(folder: Path, command: str) -> None:
    """Run a vdirsyncer command."""
    arguments = [sys.executable, "-m", "vdirsyncer", "-c", str(folder / "vdirsyncer"), command]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False, input="y\ny\ny\n")  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def only(folder: Path) -> Path:
    """Return the one file in a folder."""
    (file,) = folder.iterdir()
    return file


def test_two_way_sync_of_all_three_collections(vdir: Path, agency: Agency) -> None:
    office, tables = agency.office, agency.office.tables
    contact = only(vdir / "contacts" / "addresses")
    task = only(vdir / "calendars" / "tasks")
    event = next(file for file in (vdir / "calendars" / "appointments").iterdir() if b"Besuch" in file.read_bytes())

    contact.write_bytes(contact.read_bytes().replace(b"Weg 1", b"Weg 2"))
    event.write_bytes(event.read_bytes().replace(b"T100000", b"T093000"))
    task.write_bytes(task.read_bytes().replace(b"Aufgabe: Anruf", b"Aufgabe: Anruf 2"))
    (vdir / "contacts" / "addresses" / "neu.vcf").write_bytes(payloads.vcard("neu").encode())
    run(vdir, "sync")

    assert sorted(row["STRASSE"] or "" for row in office.rows(tables.address, NAME="Muster")) == ["", "Weg 2"]
    assert len(office.rows(tables.address, NAME="Meier")) == 1
    activities = {row["BETREFF"]: row for row in office.rows(tables.activity)}
    assert activities["Besuch"]["BEGINN"] == datetime(2026, 6, 20, 9, 30)
    assert "Anruf 2" in activities

    office.change(tables.activity, {"BETREFF": "Anruf 2"}, ERLEDIGT=True, TOUCH=datetime(2026, 6, 15, 11))
    event.unlink()
    run(vdir, "sync")
    assert b"STATUS:COMPLETED" in task.read_bytes()
    assert len(office.rows(tables.activity_merkmal)) == 2
    assert len(office.rows(tables.activity)) == 3

    before = office.everything()
    run(vdir, "sync")
    assert office.everything() == before


def test_what_both_changed_is_the_offices_as_configured(vdir: Path, agency: Agency) -> None:
    office, tables = agency.office, agency.office.tables
    contact, task = only(vdir / "contacts" / "addresses"), only(vdir / "calendars" / "tasks")
    contact.write_bytes(contact.read_bytes().replace(b"Weg 1", b"Weg 2"))
    task.write_bytes(task.read_bytes().replace(b"Anruf", b"Anruf 2"))
    office.change(tables.address, {"STRASSE": "Weg 1"}, STRASSE="Weg 3", TOUCH=datetime(2026, 6, 15, 11))
    office.change(tables.activity, {"BETREFF": "Anruf"}, BETREFF="Anruf 3", TOUCH=datetime(2026, 6, 15, 11))
    before = office.everything()
    run(vdir, "sync")
    assert office.everything() == before
    assert b"Weg 3" in contact.read_bytes()
    assert b"Anruf 3" in task.read_bytes()

    office.address([agency.own], NAME="Neumann")
    run(vdir, "sync")
    contact.unlink()
    run(vdir, "sync")
    assert b"Neumann" in only(vdir / "contacts" / "addresses").read_bytes()
    assert len(office.rows(tables.address)) == 3
    assert len(office.rows(tables.address_merkmal, MKM_DSN=agency.own)) == 1


def test_vdirsyncer_carries_edits_of_records_of_flowfact(
    agency: Agency, server: Server, request: pytest.FixtureRequest
) -> None:
    records.fill(agency)
    vdir: Path = request.getfixturevalue("vdir")
    before = agency.office.everything()
    for file in [*vdir.glob("contacts/addresses/*.vcf"), *vdir.glob("calendars/*/*.ics")]:
        text = file.read_bytes()
        end = max(text.rfind(b"END:" + kind) for kind in (b"VCARD", b"VEVENT", b"VTODO"))
        file.write_bytes(text[:end] + b"X-OWN:1\r\n" + text[end:])
    run(vdir, "sync")
    assert agency.office.everything() == before
    served = records.texts(server.device())
    assert all("X-OWN:1" in text for texts in served.values() for text in texts)
