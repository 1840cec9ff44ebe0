"""Maps the attributes of a record to FlowFact's columns."""

from __future__ import annotations

from sqlalchemy import Table as SqlTable
from sqlalchemy.types import String

from radicale_flowfact.crm.tables import REAL, Tables
from radicale_flowfact.records import Table

ADDRESS = {
    "identifier": "KENNUNG",
    "company": "FIRMA",
    "salutation": "ANREDE",
    "title": "TITEL",
    "given_name": "VORNAME",
    "family_name": "NAME",
    "street": "STRASSE",
    "postcode": "PLZ",
    "city": "ORT",
    "country": "LAND",
    "fax": "FAX",
    "email": "EMAIL",
    "note": "NOTIZ",
}
ACTIVITY = {
    "kind": "ART_DSN",
    "begin": "BEGINN",
    "end": "ENDE",
    "all_day": "GANZTAGS",
    "reminder": "VORLAGE",
    "reminder_has_time": "VORLAGE_ZEIT",
    "subject": "BETREFF",
    "note": "NOTIZ",
    "done": "ERLEDIGT",
    "priority": "PRIORITAET",
}
OF_TABLE = {Table.ADDRESS: ADDRESS, Table.ACTIVITY: ACTIVITY}


def table_of(tables: Tables, table: Table) -> SqlTable:
    """Return the table of addresses or of activities."""
    return tables.address if table is Table.ADDRESS else tables.activity


def longest_text(table: SqlTable, column: str) -> int | None:
    """Return the length of a text column at this site in UTF-16 units; None: unlimited, or not mapped."""
    if column not in table.c:
        return None
    real = table.c[column].info.get(REAL)
    kind = real if isinstance(real, String) else table.c[column].type
    return kind.length if isinstance(kind, String) else None
