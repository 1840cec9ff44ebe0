"""Every payload of the corpus: put, seen in FlowFact, read back anew, searched for; the table says what came of it.

``WRITE_COMPATIBILITY=1 pytest tests/corpus`` writes the table in ``docs/compatibility.md`` anew.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from radicale_flowfact.content import salvaging
from radicale_flowfact.content.contentlines import PayloadError, split_lines
from radicale_flowfact.content.repair import repair_item
from radicale_flowfact.content.vcard import versions
from radicale_flowfact.dav.admin.erase import erase
from tests.conftest import Agency, Server
from tests.corpus.comparison import meaning, names_of
from tests.device import Device

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.rglob("*") if path.suffix in (".ics", ".vcf"))
DOCUMENT = HERE.parents[1] / "docs" / "compatibility.md"
BEGIN, END = "<!-- corpus -->\n", "<!-- end of corpus -->\n"
BERLIN = ZoneInfo("Europe/Berlin")
EXPLAINED = {"VEVENT/ATTENDEE", "VEVENT/ORGANIZER", "VEVENT/DURATION", "VEVENT/VALARM/DESCRIPTION"}
MAILING = {f"VEVENT/VALARM/{name}" for name in ("ACTION", "ATTENDEE", "SUMMARY", "TRIGGER", "UID", "X-WR-ALARMUID")}


@dataclass
class Outcome:
    """What became of one payload: the status of the PUT, FlowFact's fields, what another device does not get."""

    path: Path
    status: int
    says: str
    missing: set[str]

    def row(self) -> str:
        """Return the row of the table."""
        name = self.path.relative_to(HERE).as_posix()
        missing = ", ".join(sorted(self.missing)) or "–"
        return f"| {name} | {self.status} | {self.says} | {missing} |".replace("\\", "\\\\")


def put(agency: Agency, device: Device, path: Path) -> Outcome:
    """Put one payload, let the office change the record, and compare what comes back."""
    sent = re.sub(r"\r?\n", "\r\n", path.read_bytes().decode("utf-8"))
    collection = "addresses" if path.suffix == ".vcf" else "tasks" if "BEGIN:VTODO" in sent else "appointments"
    href = f"{collection}/{path.name}"
    before = agency.office.everything()
    answer = device.put(href, sent, new=True)
    if answer.status != 201:
        assert agency.office.everything() == before
        assert device.get(href).status == 404
        reason = re.search(r"reason[^>]*>([^<]*)<", answer.text)
        assert reason, answer.text
        return Outcome(path, answer.status, reason[1], set())
    assert found_by_query(device, collection, path.name)
    if agency.office.everything() == before:
        assert meaning(fetched(device, href, sent), BERLIN) == meaning(as_stored(sent, path), BERLIN)
        return Outcome(path, 201, "stays on the device", set())
    says = in_flowfact(agency, collection)
    touch_it(agency, collection)
    device.sync(collection)
    return Outcome(path, 201, says, missing_in(fetched(device, href, sent), sent, path))


def fetched(device: Device, href: str, sent: str) -> str:
    """Return an item as another device gets it; a contact in the version of vCard that it was sent in."""
    version = "4.0" if versions.is_4(sent) else "3.0"
    return device.request("GET", href, headers={"Accept": f"text/vcard; version={version}"}).text


def as_stored(sent: str, path: Path) -> str:
    """Return the payload as vCard 3.0 and with a UID; ``tests/test_mending.py`` says whether that is right."""
    with contextlib.suppress(PayloadError):
        repaired, _ = repair_item(sent, path.name)
        split_lines(repaired)
        return repaired
    return repair_item(salvaging.readable(sent.replace("\r\n", "\n")), path.name)[0]


def found_by_query(device: Device, collection: str, name: str) -> bool:
    """Whether a query that has to look into each item answers, and names this one."""
    if collection == "addresses":
        inner = '<CR:filter test="anyof"><CR:prop-filter name="UID"/></CR:filter>'
        answer = device.report("addresses/", "CR:addressbook-query", f"<prop><getetag/></prop>{inner}")
    else:
        component = "VTODO" if collection == "tasks" else "VEVENT"
        inner = f'<C:comp-filter name="{component}"><C:prop-filter name="UID"/></C:comp-filter>'
        filters = f'<C:filter><C:comp-filter name="VCALENDAR">{inner}</C:comp-filter></C:filter>'
        answer = device.report(f"{collection}/", "C:calendar-query", f"<prop><getetag/></prop>{filters}")
    assert answer.status == 207, answer.text
    return name in device.items_in(answer, collection)


def in_flowfact(agency: Agency, collection: str) -> str:
    """Return what FlowFact has of the record, in a line."""
    tables = agency.office.tables
    if collection == "addresses":
        row = agency.office.row(tables.address)
        shown = [row[name] for name in ("TITEL", "VORNAME", "NAME", "FIRMA", "STRASSE", "PLZ", "ORT", "LAND", "EMAIL")]
        numbers = sorted((phone["POS"], phone["NUMMER"]) for phone in agency.office.rows(tables.phone))
        shown += [row["FAX"] and f"Fax {row['FAX']}", *(f"{position}: {number}" for position, number in numbers)]
        return one_line(shown)
    row = agency.office.row(tables.activity)
    times = [row[name] and f"{row[name]:%Y-%m-%d %H:%M}" for name in ("BEGINN", "ENDE", "VORLAGE")]
    begin, end, reminder = times
    shown = [row["BETREFF"], f"{begin or ''} – {end or ''}" if collection == "appointments" else ""]
    shown += ["ganztags" if row["GANZTAGS"] else "", f"Vorlage {reminder if row['VORLAGE_ZEIT'] else reminder[:10]}"]
    shown += ["erledigt" if row["ERLEDIGT"] else "", f"Priorität {row['PRIORITAET']}" if row["PRIORITAET"] else ""]
    return one_line(shown)


def one_line(shown: list[object]) -> str:
    """Return values as they stand in the table."""
    return " · ".join(" ".join(str(value).split()) for value in shown if value).replace("|", "/")


def touch_it(agency: Agency, collection: str) -> None:
    """Change the record in the office so that it is rendered anew."""
    table = agency.office.tables.address if collection == "addresses" else agency.office.tables.activity
    (row,) = agency.office.rows(table)
    change = {"LAND": f"{row['LAND'] or ''} "} if collection == "addresses" else {"TOUCH": datetime(2027, 1, 1)}
    agency.office.change(table, {"DSN": row["DSN"]}, **change)


def missing_in(got: str, sent: str, path: Path) -> set[str]:
    """Return the names of what was sent and does not come back with its meaning."""
    lost = meaning(as_stored(sent, path), BERLIN) - meaning(
        re.sub("^SUMMARY:(Besichtigung|Aufgabe): ", "SUMMARY:", got, flags=re.M), BERLIN
    )
    return names_of(lost)


def clear(agency: Agency, server: Server, device: Device, path: Path) -> None:
    """Take the item and its record away again, and what is known of it: some files have the same UID (rule 15)."""
    for collection in ("addresses", "appointments", "tasks"):
        device.delete(f"{collection}/{path.name}")
    tables = agency.office.tables
    for table in (tables.address, tables.activity, tables.phone, tables.address_merkmal, tables.activity_merkmal):
        agency.office.remove(table)
    with server.gateway.administer() as session:
        erase(session, "anna")
    server.gateway.forget()


def test_the_corpus(agency: Agency, server: Server) -> None:
    device = server.start("[appointments]\npast_days = -1\n[safety]\nmax_vanish_percent = 100\n").device()
    outcomes = []
    for path in FILES:
        outcomes.append(put(agency, device, path))
        clear(agency, server, device, path)
    for outcome in outcomes:
        assert outcome.status in (201, 409), outcome
        mails = MAILING if "VEVENT/VALARM/ATTENDEE" in outcome.missing else set()
        assert outcome.missing <= EXPLAINED | mails, outcome
    table = "".join(f"{outcome.row()}\n" for outcome in outcomes)
    document = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = document.partition(BEGIN)
    lines = rest.partition(END)[0].splitlines(keepends=True)
    if os.environ.get("WRITE_COMPATIBILITY"):
        tail = rest.partition(END)[2]
        DOCUMENT.write_text(f"{head}{BEGIN}{''.join(lines[:3])}{table}{END}{tail}", encoding="utf-8", newline="\n")
        return
    assert "".join(lines[3:]) == table, "run: WRITE_COMPATIBILITY=1 pytest tests/corpus"
