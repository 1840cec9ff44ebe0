"""What the admin asks is answered, whatever FlowFact's rows hold: a value that is none costs a line (rule 28)."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal_column
from typer.testing import CliRunner

from radicale_flowfact.commands.main import _app
from radicale_flowfact.dav.admin import verify
from tests.conftest import Agency, Server, not_on_mssql
from tests.dav.test_bad_records import COLLECTIONS, EVERYTHING
from tests.dav.test_odd_values import (
    NO_TEXT,
    Place,
    odd_office,
    places,
    put_in,
    restore,
    spoil_value,
    unreadable_time,
)
from tests.dav.test_refused_by_database import is_postgresql, run_ddl

pytestmark = not_on_mssql("its columns take no other type than their own")


def told(server: Server, *arguments: str) -> str:
    """Run a command here; return what it tells. A fault is told in words, never as a traceback."""
    done = CliRunner().invoke(_app(), [*arguments, "--config", str(server.config)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        pytest.fail("".join(traceback.format_exception(done.exception)))
    assert done.output.strip()
    assert done.exit_code in (0, 1)
    assert "The database refused" not in done.output
    return done.output


def asked(agency: Agency, server: Server) -> dict[str, str]:
    """Return what every command tells that looks and changes nothing; ``why``: of every record."""
    found = {name: told(server, name) for name in ("check", "users", "status", "verify")}
    rows = [*agency.office.rows(agency.office.tables.address), *agency.office.rows(agency.office.tables.activity)]
    found |= {f"why {row['DSN']}": told(server, "why", "anna", str(row["DSN"])) for row in rows}
    return found


@pytest.fixture
def known(agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Give a server whose devices have every record, some with much that belongs to them."""
    monkeypatch.setattr(verify, "_AGAIN", 0.0)
    odd_office(agency)
    device = server.start(EVERYTHING).device()
    for name in COLLECTIONS:
        device.all(name)
    server.gateway.flush()
    return server


def test_one_odd_value_in_any_column_leaves_every_command_its_answer(agency: Agency, known: Server) -> None:
    found = places(agency, set())
    for text in asked(agency, known).values():
        assert "fault:" not in text
    taken = 0

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(found))
    def spoil(place: Place) -> None:
        nonlocal taken
        before = agency.office.rows(place.table)
        if not put_in(agency, place):
            return
        taken += 1
        dsns = [str(row[key]) for row in [place.row] for key in ("DSN", "AD_DSN", "AKT_DSN", "OBJ_DSN") if key in row]
        try:
            for name in ("check", "users", "status", "verify"):
                told(known, name)
            for dsn in dsns[:1]:
                told(known, "why", "anna", dsn)
        finally:
            restore(agency, place.table, before)

    spoil()
    assert taken


@pytest.fixture
def loose_phones(agency: Agency, server: Server) -> Iterator[None]:
    """Let phone numbers have no position, as where FlowFact's table has no key."""
    if not is_postgresql(server):
        run_ddl(
            agency,
            'ALTER TABLE "ADTEL" RENAME TO strict',
            'CREATE TABLE "ADTEL" AS SELECT * FROM strict',
            "DROP TABLE strict",
        )
        yield
        return
    table = f'"{server.database.schema}"."ADTEL"'
    name = agency.office.tables.phone.primary_key.name or "ADTEL_pkey"
    run_ddl(agency, f'ALTER TABLE {table} DROP CONSTRAINT "{name}"', f'ALTER TABLE {table} ALTER "POS" DROP NOT NULL')
    yield
    server.stop()
    agency.office.remove(agency.office.tables.phone)
    run_ddl(agency, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" PRIMARY KEY ("AD_DSN", "POS")')


@pytest.mark.usefixtures("loose_phones")
def test_a_number_without_position_a_time_without_end_and_a_text_that_is_none(agency: Agency, server: Server) -> None:
    office, tables = agency.office, agency.office.tables
    address = office.address([agency.own], ["0221 4", "0221 5"], NAME="Ohne")
    endless, late = agency.appointment(BETREFF="Unendlich"), agency.task(BETREFF="Spaet")
    spoil_value(agency, tables.phone, "POS", {"AD_DSN": address, "POS": 2}, None)
    for column in ("ENDE", "TOUCH"):
        spoil_value(agency, tables.activity, column, {"DSN": endless}, unreadable_time(agency))
    year = literal_column("TIMESTAMP '10000-01-01'") if is_postgresql(server) else "10000-01-01 00:00:00.000000"
    for column in ("VORLAGE", "TOUCH"):
        spoil_value(agency, tables.activity, column, {"DSN": late}, year)
    colleague = office.user("kollegin")
    if not is_postgresql(server):  # the others keep no such text
        spoil_value(agency, tables.address, "FIRMA", {"DSN": address}, NO_TEXT)
        spoil_value(agency, tables.user, "NAME", {"DSN": colleague}, NO_TEXT)
    device = server.start(EVERYTHING).device()
    for name in COLLECTIONS:
        assert len(device.all(name)) == 1
    found = {name: told(server, name) for name in ("check", "users", "status", "verify")}
    found |= {dsn: told(server, "why", "anna", dsn) for dsn in (address, endless, late)}
    assert "1 addresses, 2 activities" in found["check"]
    assert "No faults." in found["check"]
    assert "No faults in" in found["verify"]
    assert 'flowfact = "kollegin"' in found["users"]
    said = found["status"]
    assert f"(AD {address.lower()}) shown in a minimal form: " in said
    assert "a phone number has no position" in said
    assert f"(AKT {endless.lower()}) shown in a minimal form: " in said
    assert f"so it is in his addresses, as flowfact-ad-{address.lower()}" in found[address]
    assert f"so it is in his appointments, as flowfact-akt-{endless.lower()}" in found[endless]
    assert f"so it is in his tasks, as flowfact-akt-{late.lower()}" in found[late]


def test_a_text_that_is_none_costs_no_explanation(agency: Agency, known: Server) -> None:
    """``why`` reads what belongs to a record: links, Merkmale, rights, numbers."""
    if is_postgresql(known):
        pytest.skip("the other databases keep no such text")
    tables = agency.office.tables
    assert tables.rights is not None
    (address,) = agency.office.rows(tables.address, NAME="Seltsam")
    (linked,) = agency.office.rows(tables.address, NAME="Verbunden")
    agency.office.add(tables.activity_address, AKT_DSN="AKT-X", AD_DSN=linked["DSN"])
    spoil_value(agency, tables.activity_address, "AKT_DSN", {"AKT_DSN": "AKT-X"}, NO_TEXT)
    agency.office.add(tables.address_merkmal, AD_DSN=address["DSN"], MKM_DSN="MKM-X")
    spoil_value(agency, tables.address_merkmal, "MKM_DSN", {"MKM_DSN": "MKM-X"}, NO_TEXT)
    agency.office.restrict("AD", address["DSN"], "X", user="BEN-X")
    spoil_value(agency, tables.rights, "BEN_DSN", {"BEN_DSN": "BEN-X"}, NO_TEXT)
    spoil_value(agency, tables.merkmal, "NAME", {"DSN": agency.bens}, NO_TEXT)
    assert "it is linked to his appointment AKT-" in told(known, "why", "anna", linked["DSN"])
    assert "so it is in his addresses" in told(known, "why", "anna", address["DSN"])
