"""Chooses the type of each of FlowFact's columns: the reference schema's, or one that converts what the site has.

Where the real type is the reference schema's, or was not read, the statements are plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CHAR, NCHAR, NVARCHAR, VARCHAR, Boolean, Date, DateTime, Integer, String, Unicode, UnicodeText
from sqlalchemy.dialects.mssql import DATETIMEOFFSET
from sqlalchemy.types import Numeric, TypeEngine

from radicale_flowfact.crm.values import FLAGS, WORDS, Codes, Values, is_number
from radicale_flowfact.database.keys import SiteKey, Spelling
from radicale_flowfact.database.lengths import Limit
from radicale_flowfact.database.odd_values import office_time
from radicale_flowfact.database.site_values import IsoForm, SiteFlag, SiteText, SiteTime

CASELESS = "flowfact_caseless"
"""The collation of a DSN in the reference schema on PostgreSQL."""
RealTypes = Mapping[tuple[str, str], TypeEngine[Any]]
"""The types of a site's columns, by the logical names of table and column."""
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
TIMES = frozenset({"ANGELEGT", "TOUCH", "BEGINN", "ENDE", "VORLAGE", "ZEIT"})
"""The columns that are times, in whatever table."""


@dataclass(frozen=True, slots=True)
class Real:
    """What was read of a site's columns, by the logical names of table and column.

    ``cased``: DSNs that are compared with case. ``samples``: of those columns whose spelling matters.
    ``views``: the tables that are views. ``state``: a digest of the schema, see ``site.real.schema_state``.
    """

    dialect: str
    types: RealTypes = field(default_factory=dict)
    cased: frozenset[tuple[str, str]] = frozenset()
    samples: Mapping[tuple[str, str], str] = field(default_factory=dict)
    views: frozenset[str] = frozenset()
    state: str = ""


@dataclass(frozen=True, slots=True)
class AnySite:
    """A site: what was read of its columns, its codes, its time zone."""

    real: Real
    values: Values
    zone: str

    def type_of(self, table: str, column: str) -> TypeEngine[Any]:
        """Return the type by which a column is read, compared and written."""
        reference, real = column_type(column), self.real.types.get((table, column))
        if real is None:
            return reference
        if is_key(column):
            return self._key(table, column, real) if self._has_other_keys() else self._text(reference, real)
        if column in FLAGS:
            return self._flag(f"{table}.{column}", reference, real)
        if column in TIMES:
            return self._time(table, column, reference, real)
        if f"{table}.{column}" in WORDS and is_of_numbers(real):
            return Integer()
        return self._text(reference, real)

    def limit_of(self, table: str, column: str) -> Limit | None:
        """Return how much of a text a column holds; None: it is no text, or without limit."""
        real = self.real.types.get((table, column))
        kind = real if isinstance(real, String) else column_type(column)
        if not isinstance(kind, String) or not isinstance(kind.length, int):
            return None
        if self.real.dialect != "mssql" or real is None:
            return Limit(kind.length, "character" if self.real.dialect == "postgresql" else "utf-16")
        if _is_national(kind):
            return Limit(kind.length)
        return Limit(kind.length, "utf-8" if "UTF8" in str(kind.collation).upper() else "character")

    def codes_of(self, table: str, column: str) -> Codes:
        """Return what stands for each word in a column of keywords; numbers in a column of numbers."""
        codes = self.values.words(f"{table}.{column}")
        if not is_of_numbers(self.real.types.get((table, column))):
            return {word: tuple(str(code) for code in listed) for word, listed in codes.items()}
        return {word: tuple(int(code) for code in listed if is_number(code)) for word, listed in codes.items()}

    def _has_other_keys(self) -> bool:
        """Return whether DSNs are compared with case or padded anywhere; then all are compared with care."""
        return bool(self.real.cased) or any(
            is_key(column) and isinstance(kind, CHAR | NCHAR) for (_, column), kind in self.real.types.items()
        )

    def _key(self, table: str, column: str, real: TypeEngine[Any]) -> TypeEngine[Any]:
        sample = self.real.samples.get((table, column), "")
        spelling: Spelling = "" if sample.lower() == sample.upper() else _SPELLINGS.get(sample == sample.upper(), "")
        if sample not in (sample.lower(), sample.upper()):
            spelling = ""
        return SiteKey(
            getattr(real, "length", None),
            cased=(table, column) in self.real.cased,
            padded=isinstance(real, CHAR | NCHAR) and self.real.dialect == "postgresql",
            national=_is_national(real) or self.real.dialect != "mssql",
            spelling=spelling,
            collation=str(getattr(real, "collation", None) or "") if self.real.dialect != "sqlite" else "",
        )

    def _flag(self, name: str, reference: TypeEngine[Any], real: TypeEngine[Any]) -> TypeEngine[Any]:
        if isinstance(real, String):
            return SiteFlag(*self.values.flag(name, is_text=True), is_text=True)
        return SiteFlag(*self.values.flag(name, is_text=False)) if is_of_numbers(real) else reference

    def _time(self, table: str, column: str, reference: TypeEngine[Any], real: TypeEngine[Any]) -> TypeEngine[Any]:
        if isinstance(real, String):
            return SiteTime("text", self.zone, IsoForm.of(self.real.samples.get((table, column), "")))
        if isinstance(real, DateTime):
            return SiteTime("zone", self.zone) if real.timezone or isinstance(real, DATETIMEOFFSET) else reference
        return SiteTime("date", self.zone) if isinstance(real, Date) else reference

    def _text(self, reference: TypeEngine[Any], real: TypeEngine[Any]) -> TypeEngine[Any]:
        """Return the type of a text; SQL Server gets values in the column's own type, with its length.

        When a varchar is compared with an nvarchar, it is converted row by row, and no index is used.
        """
        if not isinstance(reference, String) or not isinstance(real, VARCHAR | CHAR | NVARCHAR | NCHAR):
            return reference
        if self.real.dialect != "mssql" and not isinstance(real, CHAR | NCHAR):
            return reference
        if isinstance(real, CHAR | NCHAR) and self.real.dialect != "sqlite":
            return SiteText(real.length, national=_is_national(real) or self.real.dialect != "mssql")
        return reference.with_variant(_plain(real), "mssql")


_SPELLINGS: dict[bool, Spelling] = {True: "upper", False: "lower"}


def is_key(column: str) -> bool:
    """Return whether a column holds a DSN, by its logical name without table."""
    return column == "DSN" or column.endswith(("_DSN", "_VON")) or column == "ABSENDER"


def is_of_numbers(real: TypeEngine[Any] | None) -> bool:
    """Return whether a column's type is a number, not a bit."""
    return isinstance(real, Integer | Numeric) and not isinstance(real, Boolean)


def _is_national(real: TypeEngine[Any]) -> bool:
    return isinstance(real, NVARCHAR | NCHAR)


def _plain(real: String) -> TypeEngine[str]:
    return Unicode(real.length) if _is_national(real) else String(real.length)


def column_type(column: str) -> TypeEngine[Any]:
    """Return the type of a column in the reference schema, by its logical name."""
    if is_key(column):
        return _dsn_type()
    if column in _LENGTHS:
        return Unicode(_LENGTHS[column])
    if column in FLAGS:
        return Boolean()
    if column in TIMES:
        return office_time()
    return UnicodeText() if column == "NOTIZ" else Integer()


def _dsn_type() -> TypeEngine[Any]:
    """Return the type of a DSN: compared without case, as SQL Server does by default."""
    return (
        Unicode(36)
        .with_variant(Unicode(36, collation="NOCASE"), "sqlite")
        .with_variant(Unicode(36, collation=CASELESS), "postgresql")
    )
