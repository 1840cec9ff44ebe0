"""One odd value in one column of FlowFact's costs at most the record that it belongs to (rule 28)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    LargeBinary,
    String,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.dav.admin.why import why
from radicale_flowfact.dav.reading import rendering
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.records import Activity, Address, Kind, Phone
from tests import payloads
from tests.conftest import Agency, Server, not_on_mssql
from tests.dav.test_bad_records import COLLECTIONS, EVERYTHING, faults, good_ones, require_good_ones, shown

pytestmark = not_on_mssql("its columns take no other type than their own")

_BYTES = literal(b"\xff\xfe\x00\xd8", LargeBinary)
NO_TEXT = cast(literal(b"a\xff\xfe", LargeBinary), String)
_TOO_LATE = "10000-01-01 00:00:00.000000"
_ODD: dict[str, dict[str, tuple[object, ...]]] = {
    "sqlite": {
        "text": (None, _BYTES, NO_TEXT, "", "a\ufffe\x01"),
        "time": (None, "infinity", _TOO_LATE, 5, 1e300, _BYTES, NO_TEXT, ""),
        "number": (None, "abc", 1.5, -(2**63), 2**63 - 1, _BYTES, NO_TEXT),
        "flag": (None, "abc", 7, -1, _BYTES, NO_TEXT),
    },
    "postgresql": {
        "text": (None, "", "a\ufffe\x01"),
        "time": (
            None,
            *(
                literal_column(f"TIMESTAMP '{text}'")
                for text in ("infinity", "-infinity", "12000-01-01", "44-03-15 BC")
            ),
        ),
        "number": (None, -(2**31), 2**31 - 1),
        "flag": (None, True, False),
    },
}
"""What a column may hold, whatever the reference schema says of it."""


@dataclass(frozen=True)
class Place:
    """A column of one row, and an odd value that it takes perhaps."""

    table: SqlTable
    column: Column[object]
    row: dict[str, object]
    value: object

    def __repr__(self) -> str:
        return f"{self.table.name}.{self.column.key} = {self.value!s} in {self.row}"


def _sort_of(kind: TypeEngine[object]) -> str:
    if isinstance(kind, Boolean):
        return "flag"
    if isinstance(kind, DateTime):
        return "time"
    return "text" if isinstance(kind, String) else "number"


def places(agency: Agency, spared: set[object]) -> list[Place]:
    """Return every column of every row beside the spared ones, with each odd value."""
    odd = _ODD[agency.office.engine.dialect.name]
    return [
        Place(table, column, row, value)
        for table in agency.office.all_tables().values()
        for row in agency.office.rows(table)
        if not spared & set(row.values())
        for column in table.c
        for value in odd[_sort_of(column.type)]
    ]


def put_in(agency: Agency, place: Place) -> bool:
    """Write the odd value past all types; return whether the column takes it."""
    value = place.value
    if not isinstance(value, ColumnElement):
        value = null() if value is None else literal(value)
    where = [place.table.c[key] == found for key, found in place.row.items() if found is not None]
    with agency.office.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        try:
            with connection.begin_nested():
                connection.execute(update(place.table).where(*where).values({place.column: value}))
        except DBAPIError:
            return False
    return True


def restore(agency: Agency, table: SqlTable, rows: list[dict[str, object]]) -> None:
    """Make a table's rows what they were."""
    with agency.office.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        connection.execute(delete(table))
        for row in rows:
            connection.execute(insert(table).values({table.c[key]: value for key, value in row.items()}))


def odd_office(agency: Agency) -> set[object]:
    """Add good records and, with everything that may belong to them, records to spoil; return what is to be spared."""
    office, tables = agency.office, agency.office.tables
    good_ones(agency)
    good = {row["DSN"] for table in (tables.address, tables.activity) for row in office.rows(table)}
    linked = office.address([], ["0221 5", "0221 6"], NAME="Verbunden", EMAIL="v@example.de")
    address = office.address([agency.own], ["0221 7", "0171 8"], NAME="Seltsam", NOTIZ="n", PLZ="5")
    office.restrict("AD", address, "VOLL", user=agency.anna)
    other, another = office.kind("Anders", calendar=True), office.kind("Noch anders", task=True)
    times = {"BEGINN": datetime(2026, 6, 21, 9), "ENDE": datetime(2026, 6, 21, 10), "VORLAGE": datetime(2026, 6, 21, 8)}
    values = {**times, "VORLAGE_ZEIT": True, "BETREFF": "Seltsam", "NOTIZ": "n", "PRIORITAET": 1}
    activity = office.activity(other, [agency.own, agency.bens], [linked], **values)
    office.restrict("AKT", activity, "VOLL", user=agency.anna)
    office.activity(another, [agency.own], **values)  # type: ignore[arg-type]
    return good | {agency.visit, agency.todo, agency.mail}


def test_one_odd_value_in_any_column_stops_nothing(agency: Agency, server: Server) -> None:
    spared = odd_office(agency)
    device = server.start(EVERYTHING).device()
    # Her own rows decide whether Anna may get in (rule 1).
    tables = agency.office.all_tables()
    own = [row for name in ("BEN", "MKM", "BENMKM") for row in agency.office.rows(tables[name])]
    own = [row for row in own if {agency.anna, agency.own} & set(row.values())]
    found = [place for place in places(agency, spared) if place.row not in own]
    require_good_ones(shown(device))
    taken = 0

    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(found))
    def spoil(place: Place) -> None:
        nonlocal taken
        before = agency.office.rows(place.table)
        if not put_in(agency, place):
            return
        taken += 1
        try:
            lines = {}
            for name in COLLECTIONS:
                texts = device.all(name)
                lines[name] = [line for text in texts.values() for line in payloads.lines_of(text)]
            require_good_ones(lines)
        finally:
            restore(agency, place.table, before)

    spoil()
    assert taken
    require_good_ones(shown(device))


def spoil_value(agency: Agency, table: SqlTable, column: str, where: dict[str, object], value: object) -> None:
    """Write an odd value into the one row that is meant."""
    (row,) = agency.office.rows(table, **where)
    assert put_in(agency, Place(table, table.c[column], row, value))


def unreadable_time(agency: Agency) -> object:
    """Return ``infinity`` in the database's own words."""
    return _ODD[agency.office.engine.dialect.name]["time"][1]


def test_a_time_that_cannot_be_read_is_told_and_may_be_mended_by_a_device(agency: Agency, server: Server) -> None:
    good_ones(agency)
    office, activity = agency.office, agency.office.tables.activity
    dsn = agency.appointment(BETREFF="Unendlich")
    for column in ("ENDE", "TOUCH"):
        spoil_value(agency, activity, column, {"DSN": dsn}, unreadable_time(agency))
    device = server.start(EVERYTHING).device()
    require_good_ones(shown(device))
    (fault,) = faults(server)
    assert dsn.lower() in fault
    assert any(
        "is 'Besichtigung: Unendlich'" in line or "Unendlich" in line for line in why(server.gateway, "anna", dsn).lines
    )
    href, text = next((href, text) for href, text in device.all("appointments").items() if "Unendlich" in text)
    end = "DTEND;TZID=Europe/Berlin:20260620T120000\r\nSUMMARY"
    assert device.put(f"appointments/{href}", text.replace("SUMMARY", end)).status == 204
    assert office.row(activity, DSN=dsn)["ENDE"] == datetime(2026, 6, 20, 12)
    assert faults(server) == []


def test_a_text_that_is_none_costs_neither_its_record_nor_others(agency: Agency, server: Server) -> None:
    if agency.office.engine.dialect.name != "sqlite":
        pytest.skip("the other databases keep no such text")
    good_ones(agency)
    office, address = agency.office, agency.office.tables.address
    dsn = office.address([agency.own], ["0221 4"], NAME="Kaputt", FIRMA="Firma")
    spoil_value(agency, address, "FIRMA", {"DSN": dsn}, NO_TEXT)
    user = office.user("kollegin")
    spoil_value(agency, office.tables.user, "NAME", {"DSN": user}, NO_TEXT)
    lines = shown(server.start(EVERYTHING).device())
    require_good_ones(lines)
    assert "ORG:a\ufffd\ufffd" in lines["addresses"]
    assert "N:Kaputt;;;;" in lines["addresses"]
    (fault,) = faults(server)
    assert "FIRMA cannot be read" in fault
    with office.engine.connect() as connection:  # what was written is still there
        assert connection.scalar(select(func.hex(address.c.FIRMA)).where(address.c.DSN == dsn)) == "61FFFE"


def test_a_number_without_position_is_never_sent_and_never_lost(agency: Agency, server: Server) -> None:
    good_ones(agency)
    office, phone = agency.office, agency.office.tables.phone
    dsn = office.address([agency.own], ["0221 4", "0221 5"], NAME="Ohne")
    office.change(phone, {"AD_DSN": dsn, "POS": 2}, POS=-1)
    device = server.start(EVERYTHING).device()
    lines = shown(device)
    require_good_ones(lines)
    assert not any("0221 5" in line for line in lines["addresses"])
    assert "a phone number has no position" in faults(server)[0]
    href, text = next((href, text) for href, text in device.all("addresses").items() if "FN:Ohne" in text)
    more = "TEL;TYPE=CELL:0221 5\r\nTEL;TYPE=HOME:0221 6\r\nEND:VCARD"
    assert device.put(f"addresses/{href}", text.replace("END:VCARD", more)).status == 204
    kept = {row["POS"]: row["NUMMER"] for row in office.rows(phone, AD_DSN=dsn)}
    assert kept[-1] == "0221 5"
    assert kept[1] == "0221 4"


_ANYTHING = st.one_of(st.none(), st.integers(), st.floats(), st.binary(max_size=9), st.text(max_size=9), st.datetimes())


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_whatever_a_record_holds_its_last_resort_is_uid_and_a_name(
    agency: Agency, server: Server, data: st.DataObject
) -> None:
    if not server.base:
        server.start(EVERYTHING)
    plain = Address("AD-1", family_name="Muster", phones=(Phone(1, "0221 1"),))
    task = Activity("AKT-1", Kind("ART-1", "Besichtigung"), begin=datetime(2026, 6, 20), subject="Muster")
    for name, record in ((Name.ADDRESSES, plain), (Name.APPOINTMENTS, task), (Name.TASKS, task)):
        fields = [field for field in record.__dataclass_fields__ if field not in ("dsn", "fault")]
        for field in data.draw(st.sets(st.sampled_from(fields), max_size=3)):
            object.__setattr__(record, field, data.draw(_ANYTHING))
        with server.gateway.session() as session:
            made = rendering.render(session, name, record, "uid-1", ())
        lines = payloads.lines_of(made.text)
        assert "UID:uid-1" in lines
        assert any(line.startswith(("FN:", "SUMMARY:")) for line in lines)
        made.fault.encode()
