"""``check`` sees what is wrong before a phone does: counts in two ways, kinds, and what changed since the last time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from sqlalchemy import delete, text

from radicale_flowfact.crm.site.tally import Reason
from radicale_flowfact.dav.admin.check import check
from radicale_flowfact.dav.admin.checking import drift
from radicale_flowfact.dav.admin.checking.findings import Counts, Finding, Group, Report
from radicale_flowfact.dav.store import tables as dav_tables
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.settings import load_settings
from tests.conftest import Agency, Server, not_on_mssql
from tests.office import Office


def checked(server: Server, settings: str = "") -> Report:
    """Check the configuration of a test."""
    server.settings = settings or server.settings
    server.write_configuration()
    return check(load_settings(server.folder / "flowfact.toml"))


def counts(report: Report, name: Name, login: str = "anna") -> Counts:
    """Return how a collection was counted."""
    (found,) = [one for one in report.counts if (one.login, one.name) == (login, name)]
    return found


def only(report: Report, words: str) -> Finding:
    """Return the one finding with these words."""
    (found,) = [one for one in report.findings if words in one.text]
    return found


def test_addresses_are_counted_from_their_rows(agency: Agency, server: Server) -> None:
    office = agency.office
    team = office.merkmal("Team")
    office.syncs(agency.anna, team, "OUTLOOK")
    both, archived, closed = (office.address([agency.own]), office.address([agency.own], ARCHIV=True),
                              office.address([agency.own]))  # fmt: skip
    office.tag_address(both, team)
    office.restrict("AD", closed, "VOLL", user=agency.ben)
    office.add(office.tables.address_merkmal, AD_DSN="GONE", MKM_DSN=agency.own)
    open_to_her = office.address([agency.own])
    office.restrict("AD", open_to_her, "lesen ", user=agency.anna)
    future = datetime(2090, 1, 1)
    agency.appointment(addresses=[office.address([]), archived, closed, both], BEGINN=future, ENDE=future)
    found = counts(checked(server), Name.ADDRESSES)
    assert (found.rows, found.records, found.shown, found.linked) == (6, 5, 3, 1)
    assert found.left_out == {Reason.ARCHIVED: 1, Reason.NO_RIGHT: 1, Reason.MISSING: 1}


def test_activities_are_counted_from_their_rows(agency: Agency, server: Server) -> None:
    office = agency.office
    past = datetime(2001, 1, 1)
    agency.appointment(BEGINN=datetime(2090, 1, 1), ENDE=datetime(2090, 1, 1, 1))
    agency.appointment(BEGINN=past, ENDE=past)
    agency.appointment(BEGINN=datetime(2090, 1, 1), ARCHIV=True)
    agency.task()
    agency.task(VORLAGE=past, ERLEDIGT=True)
    agency.task(VORLAGE=None)
    office.activity(office.kind("Notiz"), [agency.own])
    closed = agency.task()
    office.restrict("AKT", closed, "LESEN", group="OTHERS")
    report = checked(server)
    appointments, tasks = counts(report, Name.APPOINTMENTS), counts(report, Name.TASKS)
    assert (appointments.rows, appointments.records, appointments.shown) == (8, 8, 1)
    assert appointments.left_out == {Reason.OTHER_KIND: 5, Reason.PAST: 1, Reason.ARCHIVED: 1}
    assert (tasks.records, tasks.shown) == (8, 1)
    assert tasks.left_out == {Reason.OTHER_KIND: 4, Reason.PAST: 1, Reason.WITHOUT_DUE: 1, Reason.NO_RIGHT: 1}
    assert counts(report, Name.TASKS, "ben").records == 0
    assert report.faults == []


def test_without_the_window_nothing_is_past(agency: Agency, server: Server) -> None:
    agency.appointment(BEGINN=datetime(2001, 1, 1), ENDE=datetime(2001, 1, 1))
    report = checked(server, "[appointments]\npast_days = -1\n")
    assert (counts(report, Name.APPOINTMENTS).shown, counts(report, Name.APPOINTMENTS).left_out) == (1, {})


@not_on_mssql("it ignores blanks at the end of a key, so that both ways agree there")
def test_what_the_gateway_does_not_show_though_the_rows_say_so_is_a_fault(agency: Agency, server: Server) -> None:
    """A key filled up with blanks in one table: the database takes it for another one, and nobody is told."""
    office = agency.office
    office.address([agency.own], NAME="Seen")
    lost = office.address([], NAME="Lost")
    office.add(office.tables.address_merkmal, AD_DSN=f"{lost}  ", MKM_DSN=agency.own)
    found = only(checked(server), "though FlowFact's rows say so")
    assert (found.group, found.is_fault) == (Group.USERS, True)
    assert found.text.startswith("users.anna: 1 records are missing in his addresses")
    assert lost.lower() in found.text
    assert f"why anna {lost.lower()}" in found.step


def _without_presets(office: Office, *users: str) -> None:
    for user in users:
        office.change(office.tables.user, {"DSN": user}, ART_TERMIN_DSN=None)


def test_two_logins_of_one_user_are_named_with_the_line_to_change(agency: Agency, server: Server) -> None:
    """A note: it may be meant, and it keeps nobody out."""
    found = only(checked(server, '[users.annas-tablet]\nflowfact = " ANNA "\n'), "are one FlowFact user")
    assert (found.group, found.is_fault) == (Group.USERS, False)
    assert found.text.startswith("the logins anna, annas-tablet are one FlowFact user, anna; ")
    assert "[users.annas-tablet]" in found.step


def test_suitable_kinds_are_listed_where_one_is_missing(agency: Agency, server: Server) -> None:
    """A fault where devices may write and somebody is concerned."""
    office = agency.office
    office.kind("Notartermin", calendar=True)
    words = "appointments.kind = 'Termin' is no suitable kind"
    assert not only(checked(server), words).is_fault, "all have presets"
    _without_presets(office, agency.ben)
    found = only(checked(server), words)
    assert (found.is_fault, found.group) == (True, Group.WRITING)
    assert found.text.endswith("cannot make any: ben")
    assert '[appointments] kind = … in flowfact.toml, one of: "Besichtigung", "Notartermin";' in found.step
    assert not only(checked(server, "write = false\n"), words).is_fault
    assert checked(server, '[appointments]\nkind = "Notartermin"\n').faults == []


def test_a_preset_that_does_not_suit_is_told(agency: Agency, server: Server) -> None:
    office = agency.office
    office.change(office.tables.user, {"DSN": agency.anna}, ART_TERMIN_DSN=agency.todo)
    report = checked(server, '[appointments]\nkind = "Besichtigung"\n')
    found = only(report, "users.anna: the preset kind for appointments (Vorbelegung) is no suitable one")
    assert not found.is_fault
    assert only(checked(server, '[appointments]\nkind = "Termin"\n'), "cannot make any: anna").is_fault


def test_no_suitable_kind_at_all_names_the_column(agency: Agency, server: Server) -> None:
    office = agency.office
    office.change(office.tables.kind, {}, KALENDER=False)
    _without_presets(office, agency.anna, agency.ben)
    assert "Aktivitätenarten.KALENDER" in only(checked(server), "appointments.kind = ").step


@contextmanager
def another_column(server: Server) -> Iterator[None]:
    """Let FlowFact's addresses have a column more for a while."""
    place = f'"{server.database.schema}"."AD"' if server.database.schema else '"AD"'
    with server.database.engine.begin() as connection:
        connection.execute(text(f'ALTER TABLE {place} ADD "NEU" varchar(10)'))
    try:
        yield
    finally:
        with server.database.engine.begin() as connection:
            connection.execute(text(f'ALTER TABLE {place} DROP COLUMN "NEU"'))


def test_what_changed_since_the_last_check_is_told_once(agency: Agency, server: Server) -> None:
    facts = dict(checked(server).facts)
    assert facts["schema"] == "kept for the next check, which tells what changed"
    assert dict(checked(server).facts)["schema"].startswith("as at the last check, ")
    with another_column(server):
        report = checked(server)
        found = only(report, "'NEU' is new: VARCHAR(10)")
        assert (found.group, found.is_fault) == (Group.NAMES, False)
        assert dict(report.facts)["schema"].startswith("changed since the last check, ")
        assert not [note for note in checked(server).notes if "NEU" in note]
    only(checked(server), "'NEU' is gone (it was VARCHAR(10))")


def test_changes_name_tables_columns_and_types() -> None:
    before = {"AD": {"DSN": "VARCHAR(36) NOT NULL", "PLZ": "VARCHAR(20)"}, "AKT": {"DSN": "X"}, "OLD": {"A": "B"}}
    now = {"AD": {"DSN": "VARCHAR(36) NOT NULL", "PLZ": "VARCHAR(5)"}, "AKT": {}, "NEW": {"A": "B"}}
    assert list(drift.changes(before, now)) == ["'AD'.'PLZ' is VARCHAR(5), it was VARCHAR(20)", "table 'AKT' is gone"]
    assert list(drift.changes(now, before)) == ["'AD'.'PLZ' is VARCHAR(20), it was VARCHAR(5)", "table 'AKT' is there"]


def test_check_changes_nothing_of_flowfacts(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    agency.appointment()
    before = {name: agency.office.rows(table) for name, table in agency.office.all_tables().items()}
    checked(server)
    checked(server)
    assert {name: agency.office.rows(table) for name, table in agency.office.all_tables().items()} == before


@not_on_mssql("its trigger is in the words of SQLite")
def test_where_nothing_can_be_kept_it_says_so(agency: Agency, server: Server) -> None:
    if server.database.schema:
        pytest.skip("the trigger is in the words of SQLite")
    refuse = "BEGIN SELECT RAISE(ABORT, 'read only'); END"
    with server.database.engine.begin() as connection:
        connection.execute(text(f"CREATE TRIGGER no BEFORE INSERT ON dav_checked_schema {refuse}"))
    found = only(checked(server), "could not be kept: read only")
    assert (found.group, found.is_fault) == (Group.OWN, False)


def test_without_own_tables_it_cannot_compare_and_makes_none(agency: Agency, server: Server) -> None:
    if server.database.schema:
        with server.database.engine.begin() as connection:
            assert not connection.execute(delete(dav_tables.checked_schema)).rowcount
        pytest.skip("the tables of a server are shared by all tests")
    with server.database.engine.begin() as connection:
        for name in ("dav_alembic", "dav_checked_schema"):
            connection.execute(text(f"DROP TABLE {name}"))
    report = checked(server)
    assert dict(report.facts)["schema"].startswith("not compared with an earlier check")
    assert dict(report.facts)["own tables"].startswith("not there yet")
    with server.database.engine.begin() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_master WHERE name LIKE 'dav_checked%'")).all()
    assert names == []
