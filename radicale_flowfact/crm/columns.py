"""Which FlowFact column holds which attribute of a record."""

from __future__ import annotations

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
