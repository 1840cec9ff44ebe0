"""Records that FlowFact made, for the clients that edit them, and what must be the same afterwards."""

from __future__ import annotations

from datetime import datetime

from tests.conftest import Agency
from tests.device import Device
from tests.rules.test_respelling import COMPANIES, FAMILIES, NASTY, NUMBERS, PLACES, TITLES, fitting

COLLECTIONS = ("addresses", "appointments", "tasks")
EDITED = [("BETREFF", "Neu; mit, Zeichen"), ("ERLEDIGT", True), ("NOTIZ", "Neu; mit, Zeichen")]
"""What a client is told to change of the few records: a title, a task's state, a contact's note."""
_COLUMNS = ("FIRMA", "TITEL", "VORNAME", "NAME", "STRASSE", "ORT", "LAND", "NOTIZ")


def fill(agency: Agency) -> dict[str, int]:
    """Make contacts, appointments and tasks whose columns hold each nasty text; return how many of each."""
    office, own, table = agency.office, [agency.own], agency.office.tables.address
    for first in range(len(NASTY)):
        texts = {column: NASTY[(first + place) % len(NASTY)] for place, column in enumerate(_COLUMNS)}
        office.address(
            own, NUMBERS[: first % 7], FAX=NUMBERS[first % 6], EMAIL=f"n{first}@example.com", **fitting(table, **texts)
        )
    for place, title in enumerate(TITLES):
        named = {"TITEL": title, "NAME": FAMILIES[place], "VORNAME": "Max Emil", "STRASSE": PLACES[place % 6]}
        office.address(own, NUMBERS, ORT="Köln", NOTIZ="a; b, c\nd", **named)
    for company in COMPANIES:
        office.address(own, [f"0221 {number}" for number in range(1, 10)], NAME="", FIRMA=company)
    begin = datetime(2026, 6, 20, 10)
    for number, text in enumerate(NASTY):
        rings = {"VORLAGE": datetime(2026, 6, 20, 9, 45), "VORLAGE_ZEIT": number % 2 == 0}
        whole_days = {"GANZTAGS": True, "BEGINN": datetime(2026, 6, 20), "ENDE": datetime(2026, 6, 22)}
        times = whole_days if number % 3 == 0 else {"BEGINN": begin, "ENDE": begin.replace(hour=12)}
        agency.appointment(BETREFF=text, NOTIZ=NASTY[-number], **times, **rings)
        agency.task(BETREFF=text, NOTIZ=NASTY[-number], PRIORITAET=number % 10, ERLEDIGT=number % 4 == 0, **rings)
    return {"addresses": len(NASTY) + len(TITLES) + len(COMPANIES), "appointments": len(NASTY), "tasks": len(NASTY)}


def texts(device: Device) -> dict[str, list[str]]:
    """Return what is served of each collection."""
    return {name: list(device.all(name).values()) for name in COLLECTIONS}


def fill_few(agency: Agency) -> dict[str, int]:
    """Make one of each, to be edited for real."""
    agency.office.address([agency.own], ["0221 / 12-3"], NAME="Lang; Meier", FIRMA="Bau; Tief", NOTIZ="a; b")
    agency.appointment(BETREFF="a; b", NOTIZ="c; d", VORLAGE=datetime(2026, 6, 20, 9, 45), VORLAGE_ZEIT=True)
    agency.task(BETREFF="a; b", NOTIZ="c; d", PRIORITAET=3)
    return dict.fromkeys(COLLECTIONS, 1)


def changed(before: dict[str, list[dict[str, object]]], after: dict[str, list[dict[str, object]]]) -> list[object]:
    """Return which columns differ, with what they hold now; not who changed a record when."""
    found: list[object] = []
    for table, rows in before.items():
        assert len(rows) == len(after[table]), table
        for row, now in zip(rows, after[table], strict=True):
            found += [(name, now[name]) for name in row if row[name] != now[name] and not name.startswith("TOUCH")]
    return sorted(found, key=str)
