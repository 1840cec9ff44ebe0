"""Compares the real schema with what the last check saw; that is kept in a row of the gateway's own tables.

Of each mapped table all columns are kept, also those that the name map does not know: a new one that must be filled is
the usual reason why FlowFact refuses new records after an upgrade.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Inspector, insert, inspect, select, update
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import CompileError, DBAPIError

from radicale_flowfact.crm.names import TABLES, NameMap
from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.database.faults import told
from radicale_flowfact.dav.admin.checking.findings import Group, Report
from radicale_flowfact.dav.store import tables

Schema = Mapping[str, Mapping[str, str]]
"""The type of each column in words, by physical table and column; a mapped table that is not there has none."""
_ID = 1
_MOST_NOTES = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """What this check saw. ``is_first``: no check kept anything before."""

    schema: Schema
    is_first: bool


def look(connection: Connection, names: NameMap, report: Report, *, is_current: bool) -> Seen | None:
    """Report what differs from what the last check saw; return what is to be kept, None if it cannot be.

    ``is_current``: the gateway's own tables are there, in the version that this program needs.
    """
    if not is_current:
        report.tell(Group.NAMES, "schema", "not compared with an earlier check: that needs the gateway's own tables")
        return None
    there = describe(connection, names)
    kept = tables.checked_schema
    try:
        with connection.begin_nested():
            row = connection.execute(select(kept.c.seen, kept.c.state).where(kept.c.id == _ID)).first()
    except DBAPIError as error:
        report.tell(Group.NAMES, "schema", f"not compared with an earlier check: {told(error)}")
        return None
    if row is None:
        report.tell(Group.NAMES, "schema", "kept for the next check, which tells what changed")
        return Seen(there, is_first=True)
    when = f"{row.seen:%d.%m.%Y %H:%M}"
    found = list(changes(json.loads(row.state), there))
    words = f"changed since the last check, {when} UTC" if found else f"as at the last check, {when} UTC"
    report.tell(Group.NAMES, "schema", words)
    for change in found[:_MOST_NOTES]:
        report.note(Group.NAMES, f"since the last check {change}")
    if (rest := len(found) - _MOST_NOTES) > 0:
        report.note(Group.NAMES, f"since the last check {rest} more columns changed")
    return Seen(there, is_first=False)


def keep(engine: Engine, seen: Seen | None, report: Report, now: datetime) -> None:
    """Keep what this check saw, for the next one; where the database refuses that, it is noted. ``now``: UTC."""
    if seen is None:
        return
    kept = tables.checked_schema
    values = {"seen": now.replace(tzinfo=None, microsecond=0), "state": json.dumps(seen.schema, ensure_ascii=False)}
    try:
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            if seen.is_first:
                connection.execute(insert(kept).values(id=_ID, **values))
            else:
                connection.execute(update(kept).where(kept.c.id == _ID).values(**values))
    except DBAPIError as error:
        report.note(
            Group.OWN,
            f"what this check saw of the schema could not be kept: {told(error)}",
            "the next check cannot tell what changed; see radicale-flowfact grants",
        )


def describe(connection: Connection, names: NameMap) -> dict[str, dict[str, str]]:
    """Return the columns of each mapped table, as the database has them."""
    inspector = inspect(connection)
    found: dict[str, dict[str, str]] = {}
    for table in TABLES:
        place = names.table(table)
        if place is not None:
            found[".".join(part for part in place if part)] = _columns(connection, inspector, *place)
    return found


def _columns(connection: Connection, inspector: Inspector, schema: str | None, table: str) -> dict[str, str]:
    if not inspector.has_table(table, schema=schema):
        return {}
    return {str(one["name"]): _words(connection, one) for one in inspector.get_columns(table, schema=schema)}


def _words(connection: Connection, column: ReflectedColumn) -> str:
    try:
        kind = column["type"].compile(dialect=connection.dialect)
    except CompileError:
        kind = repr(column["type"])
    is_filled = column.get("default") or column.get("identity") or column.get("computed")
    must = () if column["nullable"] else ("NOT", "NULL")
    return " ".join([kind, *must, *(("DEFAULT",) if is_filled else ())])


def changes(before: Schema, now: Schema) -> Iterator[str]:
    """Yield what changed, in words; a table that only one of the two maps names is left out."""
    for table, columns in now.items():
        known = before.get(table)
        if known is None or known == columns:
            continue
        if not columns or not known:
            yield f"table {table!r} is gone" if not columns else f"table {table!r} is there"
            continue
        for name in sorted({*columns, *known}):
            if name not in columns:
                yield f"{table!r}.{name!r} is gone (it was {known[name]})"
            elif name not in known:
                yield f"{table!r}.{name!r} is new: {columns[name]}"
            elif columns[name] != known[name]:
                yield f"{table!r}.{name!r} is {columns[name]}, it was {known[name]}"
