"""Describes FlowFact's tables to SQLAlchemy, by the name map.

Column keys are the logical names (``tables.address.c.FIRMA``), whatever the columns are called at the site. An absent
column is not in ``table.c``, an absent table is None. Every physical name is quoted, also those with umlauts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CHAR,
    DDL,
    NCHAR,
    NVARCHAR,
    VARCHAR,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Unicode,
    UnicodeText,
    event,
    inspect,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from radicale_flowfact.crm.names import TABLES, NameMap
from radicale_flowfact.database.odd_values import office_time

REAL = "flowfact_real_type"
"""Under this a column's ``info`` has the type that it has at the site, or None where that was not looked at."""
_CASELESS = "flowfact_caseless"
_LENGTHS = {
    "NAME": 100,
    "LOGIN": 100,
    "KUERZEL": 100,
    "PFAD": 255,
    "BEREICH": 20,
    "KENNUNG": 100,
    "FIRMA": 100,
    "ANREDE": 100,
    "TITEL": 100,
    "VORNAME": 100,
    "STRASSE": 100,
    "PLZ": 20,
    "ORT": 100,
    "LAND": 100,
    "FAX": 50,
    "EMAIL": 255,
    "NUMMER": 50,
    "BEMERKUNG": 255,
    "BETREFF": 255,
    "TABELLE": 20,
    "RECHT": 20,
}
_BITS = {"AKTIV", "ARCHIV", "GANZTAGS", "VORLAGE_ZEIT", "ERLEDIGT", "KALENDER", "AUFGABE", "MAIL"}
_TIMES = {"ANGELEGT", "TOUCH", "BEGINN", "ENDE", "VORLAGE", "ZEIT"}
_KEYS = {
    "BENMKM": ("BEN_DSN", "MKM_DSN", "BEREICH"),
    "BENGRP": ("BEN_DSN", "GRP_DSN"),
    "ADTEL": ("AD_DSN", "POS"),
    "ADMKM": ("AD_DSN", "MKM_DSN"),
    "AKTMKM": ("AKT_DSN", "MKM_DSN"),
    "AKTAD": ("AKT_DSN", "AD_DSN"),
    "RECHTE": (),
    "DELLOG": (),
}
_INDEXES = {
    "ADMKM": ("MKM_DSN",),
    "AKTMKM": ("MKM_DSN",),
    "AKTAD": ("AD_DSN",),
    "RECHTE": ("OBJ_DSN",),
    "AKT": ("BEGINN",),
    "AD": ("KENNUNG",),
}


@dataclass(frozen=True, slots=True)
class Tables:
    """FlowFact's tables. ``metadata.create_all`` creates the reference schema; only demo and tests do that."""

    metadata: MetaData
    address: SqlTable
    phone: SqlTable
    address_merkmal: SqlTable
    activity: SqlTable
    activity_merkmal: SqlTable
    activity_address: SqlTable
    kind: SqlTable
    user: SqlTable
    merkmal: SqlTable
    user_merkmal: SqlTable | None
    group: SqlTable | None
    user_group: SqlTable | None
    rights: SqlTable | None
    deletion_log: SqlTable | None


RealTypes = Mapping[tuple[str, str], TypeEngine[Any]]
"""The types of a site's columns, by the logical names of table and column."""


def real_types(connection: Connection, names: NameMap) -> RealTypes:
    """Return the types that the mapped columns have in the database; what does not exist is left out."""
    inspector = inspect(connection)
    found: dict[tuple[str, str], TypeEngine[Any]] = {}
    for table in TABLES:
        place = names.table(table)
        if place is None or not inspector.has_table(place[1], schema=place[0]):
            continue
        there = {column["name"].casefold(): column["type"] for column in inspector.get_columns(place[1], place[0])}
        for column in TABLES[table]:
            kind = there.get((names.column(table, column) or "").casefold())
            if kind is not None:
                found[table, column] = kind
    return found


def build_tables(names: NameMap, real: RealTypes | None = None) -> Tables:
    """Return the tables with their names at this site; ``real``: the types of their columns (SQL Server)."""
    metadata = MetaData()
    collation: ExecutableDDLElement = DDL(  # type: ignore[no-untyped-call]
        f"CREATE COLLATION IF NOT EXISTS {_CASELESS} "
        "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    event.listen(metadata, "before_create", collation.execute_if(dialect="postgresql"))
    built = {table: _table(metadata, names, table, real or {}) for table in TABLES}
    required = {table: built_table for table, built_table in built.items() if built_table is not None}
    return Tables(
        metadata,
        address=required["AD"],
        phone=required["ADTEL"],
        address_merkmal=required["ADMKM"],
        activity=required["AKT"],
        activity_merkmal=required["AKTMKM"],
        activity_address=required["AKTAD"],
        kind=required["Aktivitätenarten"],
        user=required["BEN"],
        merkmal=required["MKM"],
        user_merkmal=built["BENMKM"],
        group=built["GRP"],
        user_group=built["BENGRP"],
        rights=built["RECHTE"],
        deletion_log=built["DELLOG"],
    )


def _table(metadata: MetaData, names: NameMap, table: str, real: RealTypes) -> SqlTable | None:
    place = names.table(table)
    if place is None:
        return None
    schema, name = place
    primary = _KEYS.get(table, ("DSN",))
    columns = [
        Column(
            quoted_name(physical, quote=True),
            _as_real(column_type(column), real.get((table, column))),
            key=column,
            primary_key=column in primary,
            info={REAL: real.get((table, column))},
        )
        for column in TABLES[table]
        if (physical := names.column(table, column)) is not None
    ]
    # On SQL Server a table with triggers takes no statement that returns rows (OUTPUT).
    built = SqlTable(quoted_name(name, quote=True), metadata, *columns, schema=schema, implicit_returning=False)
    for column in _INDEXES.get(table, ()):
        if column in built.c:
            Index(f"ix_{name}_{column}", built.c[column])
    return built


def column_type(column: str) -> TypeEngine[Any]:
    """Return the type of a column in the reference schema, by its logical name."""
    if column == "DSN" or column.endswith(("_DSN", "_VON")) or column == "ABSENDER":
        return _dsn_type()
    if column in _LENGTHS:
        return Unicode(_LENGTHS[column])
    if column in _BITS:
        return Boolean()
    if column in _TIMES:
        return office_time()
    return UnicodeText() if column == "NOTIZ" else Integer()


def _as_real(reference: TypeEngine[Any], real: TypeEngine[Any] | None) -> TypeEngine[Any]:
    """Return the type in which SQL Server gets values of a column: for text the column's own, with its length.

    When a varchar is compared with an nvarchar, it is converted row by row, and no index is used.
    """
    if isinstance(reference, String) and isinstance(real, VARCHAR | CHAR | NVARCHAR | NCHAR):
        kind = Unicode if isinstance(real, NVARCHAR | NCHAR) else String
        return reference.with_variant(kind(real.length), "mssql")
    return reference


def _dsn_type() -> TypeEngine[Any]:
    """Return the type of a DSN: compared without case, as SQL Server does by default."""
    return (
        Unicode(36)
        .with_variant(Unicode(36, collation="NOCASE"), "sqlite")
        .with_variant(Unicode(36, collation=_CASELESS), "postgresql")
    )
