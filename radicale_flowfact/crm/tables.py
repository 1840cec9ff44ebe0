"""FlowFact's tables for SQLAlchemy, made from the name map.

Column keys are the logical names (``tables.address.c.FIRMA``), whatever the columns are called at the site; an
absent column is not in ``table.c``, an absent table is None. Every physical name is quoted, umlauts and all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Unicode,
    UnicodeText,
    event,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from radicale_flowfact.crm.names import TABLES, NameMap

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
    """FlowFact's tables. ``metadata.create_all`` makes the reference schema; only demo and tests do that."""

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


def build_tables(names: NameMap) -> Tables:
    """Return the tables as they are called at this site."""
    metadata = MetaData()
    collation: ExecutableDDLElement = DDL(  # type: ignore[no-untyped-call]
        f"CREATE COLLATION IF NOT EXISTS {_CASELESS} "
        "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    event.listen(metadata, "before_create", collation.execute_if(dialect="postgresql"))
    made = {table: _table(metadata, names, table) for table in TABLES}
    required = {table: found for table, found in made.items() if found is not None}
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
        user_merkmal=made["BENMKM"],
        group=made["GRP"],
        user_group=made["BENGRP"],
        rights=made["RECHTE"],
        deletion_log=made["DELLOG"],
    )


def _table(metadata: MetaData, names: NameMap, table: str) -> SqlTable | None:
    found = names.table(table)
    if found is None:
        return None
    schema, name = found
    primary = _KEYS.get(table, ("DSN",))
    columns = [
        Column(quoted_name(physical, quote=True), column_type(column), key=column, primary_key=column in primary)
        for column in TABLES[table]
        if (physical := names.column(table, column)) is not None
    ]
    # On SQL Server a table with triggers takes no statement that returns rows (OUTPUT).
    made = SqlTable(quoted_name(name, quote=True), metadata, *columns, schema=schema, implicit_returning=False)
    for column in _INDEXES.get(table, ()):
        if column in made.c:
            Index(f"ix_{name}_{column}", made.c[column])
    return made


def column_type(column: str) -> TypeEngine[Any]:
    """Return the type of a column in the reference schema, by its logical name."""
    if column == "DSN" or column.endswith(("_DSN", "_VON")) or column == "ABSENDER":
        return _dsn_type()
    if column in _LENGTHS:
        return Unicode(_LENGTHS[column])
    if column in _BITS:
        return Boolean()
    if column in _TIMES:
        return DateTime()
    return UnicodeText() if column == "NOTIZ" else Integer()


def _dsn_type() -> TypeEngine[Any]:
    """Return the type of a DSN: compared without case, as SQL Server does by its own default."""
    return (
        Unicode(36)
        .with_variant(Unicode(36, collation="NOCASE"), "sqlite")
        .with_variant(Unicode(36, collation=_CASELESS), "postgresql")
    )
