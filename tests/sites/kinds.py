"""What a column of a site may be: its type in each database, and how FlowFact spells a value in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

Stored = str | int | float | bool | date | datetime | None
OFFICE = ZoneInfo("Europe/Berlin")
CASELESS = "flowfact_caseless"
_SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"


class Kind(Protocol):
    """A sort of column."""

    def ddl(self, dialect: str) -> str:
        """Return its type in the DDL of ``sqlite`` or ``postgresql``."""

    def stored(self, value: Stored, dialect: str) -> Stored:
        """Return what the database holds for a value of the reference schema."""

    def read(self, value: Stored) -> Stored:
        """Return the value of the reference schema for what the database holds."""


@dataclass(frozen=True)
class Text:
    """A text of at most ``length`` characters; None: without limit."""

    length: int | None = None

    def ddl(self, dialect: str) -> str:
        if self.length is None:
            return "TEXT"
        return f"{'NVARCHAR' if dialect == 'sqlite' else 'VARCHAR'}({self.length})"

    def stored(self, value: Stored, dialect: str) -> Stored:
        return value[: self.length].rstrip() if isinstance(value, str) else value

    def read(self, value: Stored) -> Stored:
        return value


@dataclass(frozen=True)
class Number:
    """A whole number."""

    def ddl(self, dialect: str) -> str:
        return "INTEGER"

    def stored(self, value: Stored, dialect: str) -> Stored:
        return value

    def read(self, value: Stored) -> Stored:
        return value


@dataclass(frozen=True)
class Dsn:
    """A DSN: ``spelled`` upper, lower or as it is; compared with case or without; ``padded``: char, not varchar."""

    spelled: Callable[[str], str] = str
    cased: bool = False
    padded: bool = False
    length: int = 36

    def ddl(self, dialect: str) -> str:
        name = "CHAR" if self.padded else ("NVARCHAR" if dialect == "sqlite" else "VARCHAR")
        collation = "" if self.cased else " COLLATE NOCASE" if dialect == "sqlite" else f' COLLATE "{CASELESS}"'
        return f"{name}({self.length}){collation}"

    def stored(self, value: Stored, dialect: str) -> Stored:
        return self.spelled(value) if isinstance(value, str) else value

    def read(self, value: Stored) -> Stored:
        return value.rstrip() if isinstance(value, str) else value


@dataclass(frozen=True)
class Flag:
    """A flag: the type, and what stands in it for yes and no."""

    type: str = "BOOLEAN"
    yes: str | int = 1
    no: str | int = 0

    def ddl(self, dialect: str) -> str:
        return self.type

    def stored(self, value: Stored, dialect: str) -> Stored:
        if value is None:
            return None
        if self.type == "BOOLEAN" and dialect == "postgresql":
            return bool(value)
        return self.yes if value else self.no

    def read(self, value: Stored) -> Stored:
        return None if value is None else value == self.yes


@dataclass(frozen=True)
class Time:
    """A time of the office: ``timestamp``, ``timestamptz``, ``date`` or ``text``, which is ISO with a T."""

    sort: str = "timestamp"

    def ddl(self, dialect: str) -> str:
        if self.sort == "text":
            return "VARCHAR(30)"
        if self.sort == "date":
            return "DATE"
        if dialect == "sqlite":  # which has no time with a zone
            return "DATETIME"
        return "TIMESTAMP WITH TIME ZONE" if self.sort == "timestamptz" else "TIMESTAMP"

    def stored(self, value: Stored, dialect: str) -> Stored:
        if not isinstance(value, datetime):
            return value
        if self.sort == "text":
            return value.isoformat(timespec="milliseconds")
        if self.sort == "date":
            return value.date().isoformat() if dialect == "sqlite" else value.date()
        if dialect == "sqlite":
            return value.strftime(_SQLITE_TIME)
        return value.replace(tzinfo=OFFICE) if self.sort == "timestamptz" else value

    def read(self, value: Stored) -> Stored:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.astimezone(OFFICE).replace(tzinfo=None) if value.tzinfo is not None else value
        return datetime(value.year, value.month, value.day) if isinstance(value, date) else value


@dataclass(frozen=True)
class Code:
    """A column of keywords: the type, and what stands in it for each of the reference schema's."""

    type: str
    codes: Mapping[str, str | int] = field(default_factory=dict)

    def ddl(self, dialect: str) -> str:
        return self.type

    def stored(self, value: Stored, dialect: str) -> Stored:
        return self.codes.get(value, value) if isinstance(value, str) else value

    def read(self, value: Stored) -> Stored:
        plain = value.rstrip() if isinstance(value, str) else value
        return next((word for word, code in self.codes.items() if code == plain), plain)


def reference_kind(column: str) -> Kind:
    """Return the kind of a column in the reference schema, by its logical name."""
    if column in _LENGTHS:
        return Text(_LENGTHS[column])
    if column in FLAGS:
        return Flag()
    if column in TIMES:
        return Time()
    if column in ("POS", "PRIORITAET"):
        return Number()
    return Text() if column == "NOTIZ" else Dsn()


FLAGS = frozenset({"AKTIV", "ARCHIV", "GANZTAGS", "VORLAGE_ZEIT", "ERLEDIGT", "KALENDER", "AUFGABE", "MAIL"})
TIMES = frozenset({"ANGELEGT", "TOUCH", "BEGINN", "ENDE", "VORLAGE", "ZEIT"})
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
