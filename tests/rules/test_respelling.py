"""Rule 44: what a client's own parser respells on its way is no change."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Table

from tests.conftest import Agency, Server
from tests.rules.respelling import PROGRAMS

NASTY = (
    "a; b",
    "a, b",
    "a; b, c; d",
    "C:\\Neu\\neu",
    "x\\; y\\, z",
    "Ende\\",
    "Ende\\ und\\ mehr;",
    "\"Haus\" am 'See'",
    "  vorn und hinten  ",
    "Größe Übergröße",
    "Gro\u0308ße U\u0308ber",
    "Haus 🏠 schön 👩‍👩‍👧",
    "\u200eLinks\u200b Mitte\u202c",
    "Zeile eins\nZeile zwei; drei, vier",
    "50 % & mehr: <b>fett</b> ^n ^^ =3D",
    "ein langer Text " * 12 + "; Ende",
    "x",
)
TITLES = ("Dr.,Prof.", "Dr., Prof.", "Prof. Dr. med.", "Dr.; Prof.", "Dr. h. c. mult.", "Dipl.-Ing. (FH)", "")
FAMILIES = ("Lang-Meier", "von der Heide", "Lang Meier", "Lang, geb. Meier", "Lang; Meier", "O'Neill", "Müller")
NUMBERS = (
    "0221 / 12 34-5",
    "+49 221 1234 ext. 12",
    "0171-1;ext=3",
    "(0221) 99, abends",
    "\u202a0221 7\u202c",
    "Zentrale",
)
PLACES = ("Weg 1, Hinterhaus", "Weg 1; Hof 2", "Weg 1\nHaus B", "Straße des 17. Juni 1", "Weg 1\\2", "c/o Lang, Weg 1")
COMPANIES = ("Bau GmbH & Co. KG", "Lang, Meier & Partner", "Bau; Tief", "Bau", "Die Bau. GmbH, Köln", "Bau\\Tief")


def fitting(table: Table, **texts: str) -> dict[str, str]:
    """Return texts as FlowFact's columns can hold them."""
    lengths = {column: getattr(table.c[column].type, "length", None) for column in texts}
    return {column: text[: lengths[column]] for column, text in texts.items()}


def fill_addresses(agency: Agency) -> None:
    """Make contacts whose columns hold each nasty text once, and such as real ones have."""
    office, own, table = agency.office, [agency.own], agency.office.tables.address
    columns = ("FIRMA", "TITEL", "VORNAME", "NAME", "STRASSE", "PLZ", "ORT", "LAND", "NOTIZ")
    for first in range(len(NASTY)):
        texts = {column: NASTY[(first + place) % len(NASTY)] for place, column in enumerate(columns)}
        office.address(
            own, NUMBERS[: first % 7], FAX=NUMBERS[first % 6], EMAIL=f"n{first}@example.com", **fitting(table, **texts)
        )
    for column in ("NAME", "FIRMA", "NOTIZ"):
        for text in NASTY:
            office.address(own, **{"NAME": "Lang", **fitting(table, **{column: text})})
    for place in range(42):
        titled = {"TITEL": TITLES[place % 7], "NAME": FAMILIES[place // 6], "VORNAME": "Max Emil"}
        office.address(own, NUMBERS, STRASSE=PLACES[place % 6], ORT="Köln", **titled)
    for company in COMPANIES:
        office.address(own, ["0221 1"] * 2, NAME="", FIRMA=company, STRASSE="Weg 1")
        office.address(own, [f"0221 {number}" for number in range(1, 10)], NAME="Lang", FIRMA=company)
    for email in ("\u200emax@example.com", "max\u00a0@example.com", "a;b@example.com"):
        office.address(own, ["\u202d0221\u00a077\u202c"], NAME="Lang", EMAIL=email, FAX="\u202d0221\u202f78")
    for email in ("max.muster@example.com", "info@bau-gmbh.example"):
        office.address(own, NAME="", EMAIL=email)
        office.address(own, NAME="", EMAIL=email, FIRMA="Bau GmbH")


def fill_activities(agency: Agency) -> None:
    """Make appointments and tasks with nasty texts; with, without and far from their alarm, all day and not."""
    linked = agency.office.address(["MKM-other"], ["0221 1"], NAME="Lang; Meier", FIRMA="Bau, Tief")
    begin = datetime(2026, 6, 20, 10)
    for number, text in enumerate(NASTY):
        rings = {"VORLAGE": datetime(2026, 6, 20 - number, 9, 45), "VORLAGE_ZEIT": number % 2 == 0}
        addresses = [linked] if number % 3 == 0 else []
        agency.appointment(BETREFF=text, NOTIZ=NASTY[-number], addresses=addresses, **rings)
        agency.appointment(
            BETREFF=NASTY[-number], NOTIZ=text, GANZTAGS=True, BEGINN=datetime(2026, 6, 20), ENDE=datetime(2026, 6, 22)
        )
        agency.appointment(BETREFF=text, NOTIZ=text, BEGINN=begin, ENDE=begin, **rings)
        agency.task(BETREFF=text, NOTIZ=NASTY[-number], PRIORITAET=number % 10, ERLEDIGT=number % 4 == 0)
        agency.task(BETREFF=NASTY[-number], NOTIZ=text, **rings)


def resend(agency: Agency, server: Server, program: str, name: str, added: str) -> list[str]:
    """Let a program fetch, respell and send back each item with a line more; return what changed in FlowFact."""
    device = server.device(agent=f"{program}/1")
    changed: list[str] = []
    after = agency.office.everything()
    for href, (etag, text) in device.multiget(name, device.sync(name).changed).items():
        respelt = PROGRAMS[program](text)
        end = max(respelt.rfind(f"END:{kind}") for kind in ("VCARD", "VEVENT", "VTODO"))
        answer = device.put(f"{name}/{href}", f"{respelt[:end]}{added}\r\n{respelt[end:]}", etag)
        before, after = after, agency.office.everything()
        if answer.status != 204 or after != before:
            changed.append(f"{answer.status} {answer.text[-250:]} {differences(before, after)}")
    return changed


def differences(before: dict[str, list[dict[str, object]]], after: dict[str, list[dict[str, object]]]) -> list[object]:
    """Return the columns that differ, with both values."""
    found: list[object] = []
    for table, rows in before.items():
        keys = [key for key in ("DSN", "AD_DSN", "AKT_DSN", "POS", "MKM_DSN") if rows and key in rows[0]]
        others = {tuple(row[key] for key in keys): row for row in after[table]}
        if len(rows) != len(after[table]):
            found.append((table, len(rows), len(after[table])))
        for row in rows if rows != after[table] else ():
            other = others.get(tuple(row[key] for key in keys), {})
            found += [(table, name, value, other.get(name)) for name, value in row.items() if value != other.get(name)]
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_rule_44_a_program_sends_contacts_back_in_its_own_spelling(
    agency: Agency, server: Server, program: str
) -> None:
    """Each column with each kind of text, sent back with a nickname more: nothing changes in FlowFact."""
    fill_addresses(agency)
    server.start()
    assert resend(agency, server, program, "addresses", "NICKNAME:Maxi") == []


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", ["appointments", "tasks"])
def test_rule_44_a_program_sends_entries_back_in_its_own_spelling(
    agency: Agency, server: Server, program: str, name: str
) -> None:
    """Appointments and tasks with each kind of text, sent back with a line more: nothing changes in FlowFact."""
    fill_activities(agency)
    server.start()
    added = "PRIORITY:5" if name == "appointments" else "X-OWN:1"
    assert resend(agency, server, program, name, added) == []
