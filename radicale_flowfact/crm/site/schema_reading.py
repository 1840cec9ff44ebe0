"""Reads the real schema: its tables for the draft of a name map, and facts about FlowFact's version and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Inspector, column, func, inspect, select, table
from sqlalchemy.engine.interfaces import ReflectedColumn, TableKey
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import LargeBinary, NullType

from radicale_flowfact.crm.names import TABLES, NameMap
from radicale_flowfact.crm.site.drafting import Found
from radicale_flowfact.crm.tables import Tables

_SYSTEM_SCHEMAS = frozenset({"information_schema", "sys", "guest", "pg_catalog"})
_SAMPLED = 200  # rows of each table
_MOST_ROWS, _MOST_COLUMNS, _LONGEST = 3, 6, 40
_PRODUCTS = {8: "2000", 9: "2005", 10: "2008", 11: "2012", 12: "2014", 13: "2016", 14: "2017", 15: "2019", 16: "2022"}


def database_words(connection: Connection) -> str:
    """Return kind and version of the database, and the driver in use."""
    dialect = connection.dialect
    version = dialect.server_version_info or ()
    number = ".".join(map(str, version))
    name = {"mssql": "Microsoft SQL Server", "postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(
        dialect.name, dialect.name
    )
    if dialect.name == "mssql" and version and version[0] in _PRODUCTS:
        name = f"{name} {_PRODUCTS[int(version[0])]}"
    return f"{name} {number} (driver {dialect.driver})"


def all_tables(connection: Connection, names: NameMap, state_schema: str) -> list[Found]:
    """Return every table and view that the database user sees, without the gateway's own.

    Where the name map names schemas, only these and the database's default schema are read.
    """
    inspector = inspect(connection)
    named = sorted({place[0] for name in TABLES if (place := names.table(name)) is not None and place[0]})
    plain = inspector.default_schema_name
    others = named or [name for name in inspector.get_schema_names() if not _is_system(name)]
    schemas = [None, *(name for name in others if name in named or name not in (plain, state_schema, "main"))]
    return [found for schema in schemas for found in tables_in(inspector, schema)]


def with_values(connection: Connection, there: Sequence[Found]) -> list[Found]:
    """Return the tables with the values of a few rows of each, to draft by; what may not be read is left without."""
    return [_with_values(connection, found) for found in there]


def _with_values(connection: Connection, found: Found) -> Found:
    wanted = [name for name, kind in found.columns.items() if not isinstance(kind, LargeBinary | NullType)]
    if not wanted:
        return found
    schema, _, name = found.name.rpartition(".")
    columns: list[ColumnElement[object]] = [column(quoted_name(one, quote=True)) for one in wanted]
    query = select(*columns).select_from(table(quoted_name(name, quote=True), schema=schema or None))
    try:
        with connection.begin_nested():
            rows = connection.execute(query.limit(_SAMPLED)).all()
    except (DBAPIError, ValueError):  # it may be seen but not read, or holds what Python cannot
        return found
    values = {one: [row[number] for row in rows] for number, one in enumerate(wanted)}
    return replace(found, values=values, all_rows=len(rows) < _SAMPLED)


def _is_system(schema: str) -> bool:
    return schema.lower() in _SYSTEM_SCHEMAS or schema.startswith(("pg_", "db_"))


def tables_in(inspector: Inspector, schema: str | None) -> list[Found]:
    """Return every table and view of a schema (None: the default one), without the gateway's own."""
    columns = _columns(inspector, schema)
    prefix = f"{schema}." if schema else ""
    return [
        Found(f"{prefix}{name}", {str(one["name"]): one["type"] for one in those})
        for (_, name), those in columns.items()
        if not name.startswith("dav_")
    ]


def _columns(inspector: Inspector, schema: str | None) -> Mapping[TableKey, Sequence[ReflectedColumn]]:
    return inspector.get_multi_columns(schema=schema, kind=ObjectKind.TABLE | ObjectKind.ANY_VIEW)


@dataclass(frozen=True, slots=True)
class Hints:
    """Facts about FlowFact's version and size. ``versions``: rows of tables that are named after a version."""

    versions: tuple[str, ...]
    addresses: int
    activities: int
    newest: datetime | None


def hints(connection: Connection, tables: Tables, there: Sequence[Found]) -> Hints:
    """Return these facts; the mapped tables must exist."""
    newest = [connection.scalar(select(func.max(table.c.TOUCH))) for table in (tables.address, tables.activity)]
    return Hints(
        version_rows(connection, there),
        connection.scalar(select(func.count()).select_from(tables.address)) or 0,
        connection.scalar(select(func.count()).select_from(tables.activity)) or 0,
        max((moment for moment in newest if moment is not None), default=None),
    )


def version_rows(connection: Connection, there: Sequence[Found]) -> tuple[str, ...]:
    """Return the rows of small tables that are named after a version, as text."""
    rows: list[str] = []
    for found in there:
        schema, _, name = found.name.rpartition(".")
        if "version" not in name.lower() or not found.columns:
            continue
        columns: list[ColumnElement[object]] = [
            column(quoted_name(one, quote=True)) for one in list(found.columns)[:_MOST_COLUMNS]
        ]
        query = select(*columns).select_from(table(quoted_name(name, quote=True), schema=schema or None))
        try:
            with connection.begin_nested():
                lines = connection.execute(query.limit(_MOST_ROWS + 1)).all()
        except (DBAPIError, ValueError):  # it may be seen but not read
            continue
        if len(lines) <= _MOST_ROWS:
            rows += [f"{found.name}: {', '.join(str(value)[:_LONGEST] for value in line)}" for line in lines]
    return tuple(rows)
