"""Describes FlowFact's tables to SQLAlchemy, by the name map.

Column keys are the logical names (``tables.address.c.FIRMA``), whatever the columns are called at the site. An absent
column is not in ``table.c``, an absent table is None. Every physical name is quoted, also those with umlauts.

A column whose real type is another than the reference schema's has a type that converts (``column_types``). What it is
for besides is in its ``info``: the real type, the limit of its texts, the site's codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import DDL, Column, Index, MetaData, event
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.elements import quoted_name

from radicale_flowfact.crm.column_types import CASELESS, AnySite, Real, RealTypes
from radicale_flowfact.crm.names import TABLES, NameMap
from radicale_flowfact.crm.values import WORDS, Values

REAL = "flowfact_real_type"
"""Under this a column's ``info`` has the type that it has at the site, or None where that was not looked at."""
LIMIT = "flowfact_limit"
"""Under this a text column's ``info`` has its ``Limit``, or None."""
CODES = "flowfact_codes"
"""Under this the ``info`` of a column of keywords has the site's codes by word."""
LOGICAL = "flowfact_table"
"""Under this a table's ``info`` has its logical name."""
IS_VIEW = "flowfact_is_view"
"""Under this a table's ``info`` says whether it is a view."""
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


def build_tables(
    names: NameMap, real: Real | RealTypes | None = None, values: Values | None = None, zone: str = "Europe/Berlin"
) -> Tables:
    """Return the tables with their names at this site.

    ``real``: what was read of their columns; ``values``: the site's codes; ``zone``: the office's time zone.
    """
    read = real if isinstance(real, Real) else Real("mssql", real or {})
    site = AnySite(read, values or Values(), zone)
    metadata = MetaData()
    collation: ExecutableDDLElement = DDL(  # type: ignore[no-untyped-call]
        f"CREATE COLLATION IF NOT EXISTS {CASELESS} (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    event.listen(metadata, "before_create", collation.execute_if(dialect="postgresql"))
    built = {table: _table(metadata, names, table, site) for table in TABLES}
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


def _table(metadata: MetaData, names: NameMap, table: str, site: AnySite) -> SqlTable | None:
    place = names.table(table)
    if place is None:
        return None
    schema, name = place
    primary = _KEYS.get(table, ("DSN",))
    columns = [
        Column(
            quoted_name(physical, quote=True),
            site.type_of(table, column),
            key=column,
            primary_key=column in primary,
            info=_info(table, column, site),
        )
        for column in TABLES[table]
        if (physical := names.column(table, column)) is not None
    ]
    # On SQL Server a table with triggers takes no statement that returns rows (OUTPUT).
    built = SqlTable(
        quoted_name(name, quote=True),
        metadata,
        *columns,
        schema=schema,
        implicit_returning=False,
        info={LOGICAL: table, IS_VIEW: table in site.real.views},
    )
    for column in _INDEXES.get(table, ()):
        if column in built.c:
            Index(f"ix_{name}_{column}", built.c[column])
    return built


def _info(table: str, column: str, site: AnySite) -> dict[Any, Any]:
    info: dict[Any, Any] = {REAL: site.real.types.get((table, column)), LIMIT: site.limit_of(table, column)}
    if f"{table}.{column}" in WORDS:
        info[CODES] = site.codes_of(table, column)
    return info
