"""Holds the name map: the names that FlowFact's tables and columns have at this site.

This package uses the names of the reference schema, which are also the defaults. ``[names]`` in flowfact.toml names
what differs. A name mapped to "" is absent, and the feature that needs it is off.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

TABLES: dict[str, tuple[str, ...]] = {
    "BEN": ("DSN", "NAME", "LOGIN", "AKTIV", "MKM_DSN", "ART_TERMIN_DSN", "ART_AUFGABE_DSN"),
    "BENMKM": ("BEN_DSN", "MKM_DSN", "BEREICH"),
    "GRP": ("DSN", "NAME"),
    "BENGRP": ("BEN_DSN", "GRP_DSN"),
    "MKM": ("DSN", "NAME", "KUERZEL", "PFAD", "AKTIV", "BEN_DSN"),
    "AD": (
        *("DSN", "KENNUNG", "FIRMA", "ANREDE", "TITEL", "VORNAME", "NAME", "STRASSE", "PLZ", "ORT", "LAND"),
        *("FAX", "EMAIL", "NOTIZ", "ARCHIV", "ANGELEGT", "ANGELEGT_VON", "TOUCH", "TOUCH_VON"),
    ),
    "ADTEL": ("AD_DSN", "POS", "NUMMER", "BEMERKUNG"),
    "ADMKM": ("AD_DSN", "MKM_DSN"),
    "AKT": (
        *("DSN", "ART_DSN", "BEGINN", "ENDE", "GANZTAGS", "VORLAGE", "VORLAGE_ZEIT", "BETREFF", "NOTIZ"),
        *("ERLEDIGT", "PRIORITAET", "ABSENDER", "ARCHIV", "ANGELEGT", "ANGELEGT_VON", "TOUCH", "TOUCH_VON"),
    ),
    "AKTMKM": ("AKT_DSN", "MKM_DSN"),
    "AKTAD": ("AKT_DSN", "AD_DSN"),
    "Aktivitätenarten": ("DSN", "NAME", "KUERZEL", "KALENDER", "AUFGABE", "MAIL"),
    "RECHTE": ("TABELLE", "OBJ_DSN", "BEN_DSN", "GRP_DSN", "RECHT"),
    "DELLOG": ("TABELLE", "OBJ_DSN", "ZEIT"),
}
"""Every table and column of the reference schema that the gateway knows."""

OPTIONAL: dict[str, str] = {
    "BEN.ART_TERMIN_DSN": "no preset kind for appointments made on a device; [appointments] kind is used",
    "BEN.ART_AUFGABE_DSN": "no preset kind for tasks made on a device; [tasks] kind is used",
    "BENMKM": "the Merkmale of a user come from flowfact.toml",
    "GRP": "rights of user groups are not seen",
    "BENGRP": "rights of user groups are not seen",
    "AD.ARCHIV": "archived addresses are shown",
    "AKT.GANZTAGS": "00:00 to 00:00 of a later day counts as all-day",
    "AKT.ABSENDER": "internal mails may be changed by anybody with full rights",
    "AKT.ARCHIV": "archived activities are shown",
    "Aktivitätenarten.AUFGABE": "every kind that is neither calendar nor mail makes tasks",
    "Aktivitätenarten.MAIL": "mail kinds are not told apart",
    "RECHTE": "rights lists are not seen: everybody may read and change every record with his Merkmale",
    "DELLOG": "nothing is lost; the gateway notices deletions by itself",
}
"""What may be absent, and what the gateway does without it."""

UNREAD = frozenset({"DELLOG"})
"""Tables that are known, but asked by nothing: no grant is needed, and on SQL Server they may then not be seen."""


class NameMapError(ValueError):
    """A name in ``[names]`` is not known, or may not be absent."""


@dataclass(frozen=True, slots=True)
class NameMap:
    """Physical names by logical ones (``AD``, ``AD.FIRMA``); only what differs is kept."""

    overrides: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_overrides(cls, overrides: Mapping[str, str]) -> NameMap:
        """Return the map of a site. Raises NameMapError naming each fault and the nearest known name."""
        faults = [fault for name, physical in overrides.items() if (fault := _fault(name, physical))]
        if faults:
            raise NameMapError("; ".join(faults))
        return cls(dict(overrides))

    def table(self, table: str) -> tuple[str | None, str] | None:
        """Return schema (or None) and physical name of a table, or None if it is absent."""
        name = self.overrides.get(table, table)
        schema, _, plain = name.rpartition(".")
        return (schema or None, plain) if name else None

    def column(self, table: str, column: str) -> str | None:
        """Return the physical name of a column, or None if it or its table is absent."""
        if self.table(table) is None:
            return None
        return self.overrides.get(f"{table}.{column}", column) or None

    def absent(self) -> list[str]:
        """Return the logical names that are mapped to nothing."""
        return [name for name, physical in self.overrides.items() if not physical]


def known_names() -> list[str]:
    """Return every logical name."""
    return [*TABLES, *(f"{table}.{column}" for table, columns in TABLES.items() for column in columns)]


def _fault(name: str, physical: str) -> str:
    known = known_names()
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        return f"[names] {name!r} is unknown; did you mean {nearest[0]!r}?"
    if not physical and name not in OPTIONAL:
        return f"[names] {name!r} must not be empty: the gateway cannot do without it"
    return ""
