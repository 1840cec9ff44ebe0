"""Checks database, name map, users, own tables and grants before the first device is let in.

FlowFact's side is checked first, because without its tables nothing else can be checked. The gateway's own tables and
the grants are checked in any case. Nothing of FlowFact is written; of the gateway's own tables one row is, so that the
next check can say what changed in the schema meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from sqlalchemy import Connection

from radicale_flowfact.crm.names import TABLES, NameMap, known_names
from radicale_flowfact.crm.site import check as crm_check
from radicale_flowfact.crm.site import drafting, real, remarks, schema_reading
from radicale_flowfact.crm.site.drafting import Guess
from radicale_flowfact.crm.site.remarks import Remark, Weight
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.connections import version_fault
from radicale_flowfact.database.engines import engine_for
from radicale_flowfact.database.privileges_held import compare
from radicale_flowfact.database.tsql import waiting_note
from radicale_flowfact.dav.admin import grants
from radicale_flowfact.dav.admin.checking import drift
from radicale_flowfact.dav.admin.checking.findings import Group, Report
from radicale_flowfact.dav.admin.checking.own import check_own
from radicale_flowfact.dav.admin.checking.people import check_users
from radicale_flowfact.dav.admin.readonly import read_only
from radicale_flowfact.dav.gateway import utc_now
from radicale_flowfact.dav.store.session import Session, Stats
from radicale_flowfact.settings import Settings

__all__ = ["Report", "check"]


def check(settings: Settings, *, draft: bool = False) -> Report:
    """Check connection, name map, users, kinds, the gateway's own tables and the grants.

    ``draft``: also draft a name map from the real schema. Raises DatabaseError if there is no connection.
    """
    report = Report()
    site = real.Site(settings.names, settings.values, settings.timezone)
    names = site.names
    engine = engine_for(settings.database_url, settings.state_schema, settings.database_timeouts)
    with read_only(engine) as connection:
        report.tell(Group.DATABASE, "database", schema_reading.database_words(connection))
        there = schema_reading.all_tables(connection, names, settings.state_schema)
        if old := version_fault(connection.dialect):
            report.fault(Group.DATABASE, old)
        faults = crm_check.check(connection, names)
        for fault in faults:
            report.fault(Group.NAMES, str(fault), is_message=True)
        _name_facts(names, len(faults), report)
        state, readable = check_own(connection, settings, report)
        if not faults and not old and readable:
            tables = site.read(connection)
            _check_writing(connection, settings, report, _check_columns(connection, names, tables, report))
            _check_records(connection, tables, settings, report, there)
        if connection.dialect.name == "mssql":
            if note := waiting_note(connection):
                report.note(Group.DATABASE, note)
            for remark in crm_check.remarks(real.real_types(connection, names)):
                report.note(Group.NAMES, remark)
        if draft:
            report.draft = drafting.toml(_drafted(names, schema_reading.with_values(connection, there)))
        seen = drift.look(connection, names, report, is_current=state.is_current)
    drift.keep(engine, seen, report, utc_now())
    for absent in crm_check.missing_features(names):
        report.note(Group.NAMES, absent)
    return report


def _drafted(names: NameMap, there: Sequence[drafting.Found]) -> list[Guess]:
    return drafting.draft(names, there, crm_check.fits)


def _name_facts(names: NameMap, faults: int, report: Report) -> None:
    known, absent = len(known_names()), len(names.absent())
    other = len(names.overrides) - absent
    columns, result = known - len(TABLES), f"{faults} FAULTS" if faults else "all there, types fit"
    words = f"{len(TABLES)} tables, {columns} columns; {other} called otherwise, {absent} absent; {result}"
    report.tell(Group.NAMES, "name map", words)


def _check_records(
    connection: Connection, tables: Tables, settings: Settings, report: Report, there: Sequence[drafting.Found]
) -> None:
    """Report how many records FlowFact has, and how many of them each login would see."""
    found = schema_reading.hints(connection, tables, there)
    newest = f"{found.newest:%d.%m.%Y %H:%M}" if found.newest else "never"
    size = f"{found.addresses} addresses, {found.activities} activities; last change {newest}"
    report.tell(Group.DATABASE, "FlowFact", size)
    for line in found.versions:
        report.tell(Group.DATABASE, "version", line)
    moment = utc_now()
    local, utc = moment.astimezone(settings.zone), moment.astimezone(UTC)
    session = Session(
        connection, tables, settings, Stats(), now=local.replace(tzinfo=None), utc=utc.replace(tzinfo=None)
    )
    check_users(session, report)


def _check_columns(connection: Connection, names: NameMap, tables: Tables, report: Report) -> list[Remark]:
    """Report what is to be said of FlowFact's columns and of what stands in them; return what hinders writing."""
    found = remarks.of_columns(connection, names, tables)
    for column in remarks.of_values(connection, tables):
        values = ", ".join(f"{value!r}: {number}" for value, number in column.counts.items())
        report.tell(Group.VALUES, column.name, values or "empty")
        found += column.remarks
    for remark in found:
        group = Group.NAMES if remark.in_names else Group.VALUES
        if remark.weight is Weight.FAULT:
            report.fault(group, remark.text, remark.line)
        elif remark.weight is Weight.NOTE:
            report.note(group, remark.text, remark.line)
    return [remark for remark in found if remark.weight is Weight.IF_WRITING]


def _check_writing(connection: Connection, settings: Settings, report: Report, hindrances: list[Remark]) -> None:
    """Report whether devices may write, and what is missing for it: a fault only if writing is on."""
    words = "on: devices may change FlowFact" if settings.write else "off: devices only read"
    report.tell(Group.WRITING, "writing", words)
    if settings.write:
        for one in hindrances:
            report.fault(Group.WRITING, one.text, one.line)
        return
    own = grants.own_tables(settings, makes=True)
    wanted = grants.needs(settings.model_copy(update={"write": True}))
    lacking = compare(connection, wanted, own, own_are_there=False).missing
    report.note(Group.WRITING, "write = false: devices may read only")
    for one in hindrances:
        report.note(Group.WRITING, f"before write = true: {one.text}", one.line)
    for grant in lacking:
        report.note(Group.WRITING, f"before write = true: grant on {grant}")
