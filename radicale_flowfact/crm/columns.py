"""Maps the attributes of a record to FlowFact's columns."""

from __future__ import annotations

from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm.tables import CODES, LIMIT, Tables
from radicale_flowfact.crm.values import Codes
from radicale_flowfact.database.lengths import Limit
from radicale_flowfact.database.site_values import Code
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


def word_of(table: SqlTable, column: str, value: object) -> str:
    """Return the reference schema's word for a value of a column of keywords, or "" if it is none that is known.

    Case and outer spaces do not count.
    """
    text = str(value).strip().upper()
    codes: Codes = table.c[column].info[CODES]
    return next((word for word, listed in codes.items() if text in {str(code).upper() for code in listed}), "")


def code_of(table: SqlTable, column: str, word: str) -> Code:
    """Return what is written for a word into a column of keywords; the word itself if its code does not fit there."""
    codes: Codes = table.c[column].info[CODES]
    return next(iter(codes[word]), word)


def limit_of(table: SqlTable, column: str) -> Limit | None:
    """Return how long a text may be in a column of this site; None: unlimited, or not mapped."""
    found: Limit | None = table.c[column].info.get(LIMIT) if column in table.c else None
    return found
