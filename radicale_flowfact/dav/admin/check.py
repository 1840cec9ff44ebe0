"""Checks database, name map, users, own tables and grants before the first device is let in. Never writes.

FlowFact's side is checked first, because without its tables nothing else can be checked. The gateway's own tables and
the grants are checked in any case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.crm import reads
from radicale_flowfact.crm.names import TABLES, NameMap, known_names
from radicale_flowfact.crm.site import check as crm_check
from radicale_flowfact.crm.site import drafting, real, remarks, schema_reading
from radicale_flowfact.crm.site.drafting import Guess
from radicale_flowfact.crm.site.remarks import Weight
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.crm.users import UserError, read_merkmale, read_user
from radicale_flowfact.crm.values import Values
from radicale_flowfact.database.connections import version_fault
from radicale_flowfact.database.engines import engine_for
from radicale_flowfact.database.privileges_held import compare, may_make_tables
from radicale_flowfact.database.tsql import waiting_note
from radicale_flowfact.dav.admin import grants
from radicale_flowfact.dav.admin.overview import MappedUser, mapped_user
from radicale_flowfact.dav.admin.readonly import read_only
from radicale_flowfact.dav.gateway import utc_now
from radicale_flowfact.dav.store import schema
from radicale_flowfact.dav.store.schema import State
from radicale_flowfact.dav.store.session import Name, Session, Stats
from radicale_flowfact.records import User, dsn_key
from radicale_flowfact.settings import Settings


@dataclass
class Report:
    """The result of a check. ``facts``: titles with a line each; ``faults`` keep somebody out, ``notes`` do not.

    ``draft``: the lines of a drafted ``[names]`` section.
    """

    facts: list[tuple[str, str]] = field(default_factory=list)
    users: list[MappedUser] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    draft: list[str] = field(default_factory=list)


def check(settings: Settings, *, draft: bool = False) -> Report:
    """Check connection, name map, users, kinds, the gateway's own tables and the grants.

    ``draft``: also draft a name map from the real schema. Raises DatabaseError if there is no connection.
    """
    report = Report()
    names = NameMap.from_overrides(settings.names)
    with read_only(engine_for(settings.database_url, settings.state_schema, settings.database_timeouts)) as connection:
        report.facts.append(("database", schema_reading.database_words(connection)))
        there = schema_reading.all_tables(connection, names, settings.state_schema)
        faults = [fault for fault in (version_fault(connection.dialect),) if fault]
        faults += [str(fault) for fault in crm_check.check(connection, names)]
        report.faults += faults
        report.facts += _name_facts(names, len(faults))
        readable = _check_own(connection, settings, report)
        if not faults and readable:
            tables = real.tables_of(connection, names, Values.from_settings(settings.values), settings.timezone)
            hindrances = _check_columns(connection, names, tables, report)
            _check_writing(connection, settings, report, hindrances)
            _check_records(connection, tables, settings, report, there)
        if connection.dialect.name == "mssql":
            report.notes += [note for note in (waiting_note(connection),) if note]
            report.notes += crm_check.remarks(real.real_types(connection, names))
        if draft:
            report.draft = drafting.toml(_drafted(names, schema_reading.with_values(connection, there)))
    report.notes += crm_check.missing_features(names)
    return report


def _drafted(names: NameMap, there: list[drafting.Found]) -> list[Guess]:
    return drafting.draft(names, there, crm_check.fits)


def _name_facts(names: NameMap, faults: int) -> list[tuple[str, str]]:
    known, absent = len(known_names()), len(names.absent())
    other = len(names.overrides) - absent
    words = f"{len(TABLES)} tables, {known - len(TABLES)} columns; {other} called otherwise, {absent} absent; "
    return [("name map", words + (f"{faults} FAULTS" if faults else "all there, types fit"))]


def _check_records(
    connection: Connection, tables: Tables, settings: Settings, report: Report, there: list[drafting.Found]
) -> None:
    """Report how many records FlowFact has, and how many of them each login would see."""
    found = schema_reading.hints(connection, tables, there)
    newest = f"{found.newest:%d.%m.%Y %H:%M}" if found.newest else "never"
    report.facts.append(
        ("FlowFact", f"{found.addresses} addresses, {found.activities} activities; last change {newest}")
    )
    report.facts += [("version", line) for line in found.versions]
    moment = utc_now()
    local, utc = moment.astimezone(settings.zone), moment.astimezone(UTC)
    session = Session(
        connection, tables, settings, Stats(), now=local.replace(tzinfo=None), utc=utc.replace(tzinfo=None)
    )
    _check_users(session, report)


def _check_writing(connection: Connection, settings: Settings, report: Report, hindrances: list[str]) -> None:
    """Report whether devices may write, and what is missing for it: a fault only if writing is on."""
    report.facts.append(("writing", "on: devices may change FlowFact" if settings.write else "off: devices only read"))
    if settings.write:
        report.faults += hindrances
        return
    own = grants.own_tables(settings, makes=True)
    wanted = grants.needs(settings.model_copy(update={"write": True}))
    lacking = compare(connection, wanted, own, own_are_there=False).missing
    hindrances += [f"grant on {one}" for one in lacking]
    report.notes.append("write = false: devices may read only")
    report.notes += [f"before write = true: {one}" for one in hindrances]


def _check_columns(connection: Connection, names: NameMap, tables: Tables, report: Report) -> list[str]:
    """Report what is to be said of FlowFact's columns and of what stands in them; return what hinders writing."""
    found = remarks.of_columns(connection, names, tables)
    found += [remark for column in remarks.of_values(connection, tables) for remark in column.remarks]
    for remark in found:
        text = f"{remark.text}: {remark.line}" if remark.line else remark.text
        if remark.weight is Weight.FAULT:
            report.faults.append(text)
        elif remark.weight is Weight.NOTE:
            report.notes.append(text)
    return [remark.text for remark in found if remark.weight is Weight.IF_WRITING]


def _check_users(session: Session, report: Report) -> None:
    connection, tables, settings = session.connection, session.tables, session.settings
    if not settings.users:
        report.notes.append("no login is mapped yet; see: radicale-flowfact users")
    merkmale = read_merkmale(connection, tables)
    without_kind: dict[Name, list[str]] = {Name.APPOINTMENTS: [], Name.TASKS: []}
    for login, mapping in sorted(settings.users.items()):
        try:
            user = read_user(connection, tables, mapping.flowfact, mapping.address_merkmale, mapping.activity_merkmale)
        except UserError as error:
            report.faults.append(f"users.{login}: {error}")
            continue
        report.users.append(mapped_user(session, login, user, merkmale))
        for name in without_kind:
            if _preset(name, user) is None:
                without_kind[name].append(login)
        if dsn_key(user.own_merkmal or "") not in user.activity_merkmale:
            report.notes.append(
                f"users.{login}: the own Merkmal is not among those his activities sync (Vorlage), "
                "so nothing new can be made in his calendars"
            )
    _check_kinds(session, without_kind, report)


def _preset(name: Name, user: User) -> str | None:
    return user.appointment_kind if name is Name.APPOINTMENTS else user.task_kind


def _check_kinds(session: Session, without: dict[Name, list[str]], report: Report) -> None:
    """Note who cannot create appointments or tasks: no preset, and no kind of the settings' name (rule 21)."""
    named = {Name.APPOINTMENTS: session.settings.appointments.kind, Name.TASKS: session.settings.tasks.kind}
    for name, kind in named.items():
        is_appointment = name is Name.APPOINTMENTS
        known = reads.kinds(session.connection, session.tables, appointment=is_appointment)
        if reads.find_kind(known, kind) is None:
            who = ", ".join(without[name]) or "nobody now, all have presets"
            report.notes.append(
                f"{name}.kind = {kind!r} is no suitable kind in FlowFact; users without a preset cannot make any: {who}"
            )


def _check_own(connection: Connection, settings: Settings, report: Report) -> bool:
    """Report the state of the gateway's own tables and the grants; return whether FlowFact's tables can be read."""
    try:
        with connection.begin_nested():
            state = schema.state(connection, settings.state_schema)
    except DBAPIError as error:
        state = State(has_schema=True, current="unknown", needed="")
        report.faults.append(f"the gateway's own tables are there but cannot be read: {error.orig}")
    may_make = state.has_schema and may_make_tables(connection, settings.state_schema or None)
    report.facts.append(("own tables", _own_words(state, settings.state_schema)))
    if not state.has_schema:
        report.faults.append(f"the database has no schema {settings.state_schema!r}: see radicale-flowfact grants")
    elif not state.is_current and not may_make:
        report.faults.append(
            "the gateway's own tables must be made or brought up to date, but the database user lacks the grant to "
            "make tables there: see radicale-flowfact grants"
        )
    own = grants.own_tables(settings, makes=may_make)
    found = compare(connection, grants.needs(settings), own, own_are_there=state.is_current)
    report.faults += [f"grant missing on {one}" for one in found.missing]
    report.notes += [f"superfluous grant on {one}" for one in _shortened(found.superfluous)]
    report.facts.append(("grants", _grant_words(connection, found.missing, found.superfluous)))
    return not any("SELECT" in one for one in found.missing)


def _own_words(state: State, state_schema: str) -> str:
    where = f"in schema {state_schema}" if state_schema else "beside FlowFact's"
    if state.is_current:
        return f"up to date ({state.current}), {where}"
    if state.current is None:
        return f"not there yet; serve makes them {where}"
    return f"version {state.current}; serve brings them to {state.needed}, {where}"


def _grant_words(connection: Connection, missing: tuple[str, ...], superfluous: tuple[str, ...]) -> str:
    if connection.dialect.name not in ("postgresql", "mssql"):
        return "this database has no users"
    if not missing and not superfluous:
        return "exactly what is needed"
    return f"{len(missing)} missing, {len(superfluous)} superfluous"


_MOST_NOTES = 12


def _shortened(found: tuple[str, ...]) -> list[str]:
    """Return as many as fit a screen: an owner has superfluous grants on hundreds of tables."""
    rest = len(found) - _MOST_NOTES
    return [*found[:_MOST_NOTES], *([f"{rest} more tables; take a database user of its own"] if rest > 0 else [])]
