"""Checks the gateway's own tables and the grants of its database user."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.database.privileges_held import compare, may_make_tables
from radicale_flowfact.dav.admin import grants
from radicale_flowfact.dav.admin.checking.findings import Group, Report
from radicale_flowfact.dav.store import schema
from radicale_flowfact.dav.store.schema import State
from radicale_flowfact.settings import Settings

_MOST_NOTES = 12
_GRANTS = "radicale-flowfact grants prints the SQL; an administrator of the database runs it"


def check_own(connection: Connection, settings: Settings, report: Report) -> tuple[State, bool]:
    """Report the own tables and the grants; return the tables' state, and whether FlowFact's tables can be read."""
    try:
        with connection.begin_nested():
            state = schema.state(connection, settings.state_schema)
    except DBAPIError as error:
        state = State(has_schema=True, current="unknown", needed="")
        report.fault(Group.OWN, f"the gateway's own tables are there but cannot be read: {error.orig}", _GRANTS)
    may_make = state.has_schema and may_make_tables(connection, settings.state_schema or None)
    report.tell(Group.OWN, "own tables", _own_words(state, settings.state_schema))
    if not state.has_schema:
        missing = f"the database has no schema {settings.state_schema!r}: see radicale-flowfact grants"
        report.fault(Group.OWN, missing)
    elif not state.is_current and not may_make:
        report.fault(
            Group.OWN,
            "the gateway's own tables must be made or brought up to date, but the database user lacks the grant to "
            "make tables there: see radicale-flowfact grants",
        )
    own = grants.own_tables(settings, makes=may_make)
    found = compare(connection, grants.needs(settings), own, own_are_there=state.is_current)
    for one in found.missing:
        report.fault(Group.OWN if one.startswith("dav_") else Group.DATABASE, f"grant missing on {one}", _GRANTS)
    for one in _shortened(found.superfluous):
        report.note(Group.DATABASE, f"superfluous grant on {one}")
    if (rest := len(found.superfluous) - _MOST_NOTES) > 0:
        report.note(
            Group.DATABASE, f"superfluous grants on {rest} more tables; take a database user of its own", _GRANTS
        )
    report.tell(Group.DATABASE, "grants", _grant_words(connection, found.missing, found.superfluous))
    return state, not any("SELECT" in one for one in found.missing)


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


def _shortened(found: tuple[str, ...]) -> tuple[str, ...]:
    """Return as many as fit a screen: an owner has superfluous grants on hundreds of tables."""
    return found[:_MOST_NOTES]
