"""Classifies a database's errors by SQLSTATE or native number (rule 28), never by their words.

A German Windows reports them in German.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from enum import Enum

_STATE = re.compile(r"[0-9A-Z]{5}")
_NUMBER = re.compile(r"\((-?\d+)\)(?= \(SQL\w+\)|; \[|$)")
"""Where pyodbc writes the native number of each diagnostic: at its end, before ODBC's function."""
_ECHOES = frozenset({0, 3609, 3621})  # "The transaction ended in the trigger", "The statement has been terminated"
_STATES_OF_MSSQL_PYTHON = {
    "Client unable to establish connection": "08001",
    "Connection not open": "08003",
    "Server rejected the connection": "08004",
    "Connection failure during transaction": "08007",
    "Communication link failure": "08S01",
    "Serialization failure": "40001",
    "Statement completion unknown": "40003",
    "Timeout expired": "HYT00",
    "Connection timeout expired": "HYT01",
    "Integrity constraint violation": "23000",
    "Syntax error or access violation": "42000",
    "Base table or view not found": "42S02",
    "Column not found": "42S22",
    "String data, right-truncated": "22001",
    "Numeric value out of range": "22003",
    "Invalid datetime format": "22007",
    "Invalid character value for cast specification": "22018",
    "Division by zero": "22012",
    "Invalid authorization specification": "28000",
    "WITH CHECK OPTION violation": "44000",
    "Data source name not found and no default driver specified": "IM002",
    "Specified driver could not be loaded": "IM003",
    "Invalid transaction state": "25000",
}  # mssql-python gives no SQLSTATE, but a constant of its own for each; no native number either


class Kind(Enum):
    """How to treat an error."""

    PASSING = "the same transaction may well succeed at once"
    OUTAGE = "it cannot be answered now, whatever was sent; later it can"
    REFUSAL = "what was sent will never be taken: a trigger, a constraint, a right"
    RIGHT = "a refusal for want of a right"
    STALE = "a kept plan no longer fits its table"
    DEFECT = "the gateway asked for what no database takes"


_OUTAGE, _REFUSAL, _RIGHT, _PASSING, _STALE = Kind.OUTAGE, Kind.REFUSAL, Kind.RIGHT, Kind.PASSING, Kind.STALE
_DEFECT = Kind.DEFECT
_OF_STATE = {
    **dict.fromkeys(("40001", "40P01", "57P01", "57P02", "57P03"), _PASSING),
    **dict.fromkeys(("42P01", "42703", "3F000", "42S02", "42S22", "25P03", "55P03"), _OUTAGE),
    **dict.fromkeys(("25006", "55000", "428C9", "27000", "09000", "44000"), _REFUSAL),
    "42501": _RIGHT,
    "0A000": _STALE,
}
_OF_CLASS = {
    **dict.fromkeys(("08", "28", "3D", "53", "55", "57", "58", "XX", "HY", "IM"), _OUTAGE),
    **dict.fromkeys(("22", "23", "38", "39", "P0"), _REFUSAL),
    **dict.fromkeys(("07", "0A", "26", "34", "42", "54"), _DEFECT),
}
_CUSTOM_CLASS = re.compile(r"[5-9I-Z]")  # ISO 9075: what begins so is the user's own; HV, P0 and XX are looked up first
_SERVER_NUMBERS: dict[Kind, tuple[int, ...]] = {
    _PASSING: (601, 1205, 3960, 3961, 40197, 40501, 40613, 49918, 49919, 49920),
    _STALE: (586, 8179, 10314, 16943),
    _OUTAGE: (207, 208, 701, 802, 823, 824, 825, 926, 942, 945, 1101, 1105, 1204, 1222, 4060, 8645, 9001, 9002, 18456),
    _RIGHT: (229, 230, 262, 297, 300, 916, 15247),
    _REFUSAL: (
        *(220, 232, 235, 241, 242, 244, 245, 248, 271, 273, 295, 334, 513, 515, 517, 544, 547, 550, 1924, 2601, 2627),
        *(2628, 3609, 3616, 3906, 4405, 4406, 4420, 8114, 8115, 8152, 9807, 9809),
    ),
}
_OF_NUMBER = {number: kind for kind, numbers in _SERVER_NUMBERS.items() for number in numbers}
_USERS_OWN = 50000  # RAISERROR and THROW
_OF_SQLITE = {
    **dict.fromkeys((sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_PROTOCOL), _PASSING),
    **dict.fromkeys((sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG), _REFUSAL),
    sqlite3.SQLITE_READONLY: _REFUSAL,
    **dict.fromkeys((sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PERM), _RIGHT),
    **dict.fromkeys((sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE), _DEFECT),
}
_OF_SQLITE_EXTENDED = {
    sqlite3.SQLITE_BUSY_SNAPSHOT: _PASSING,
    **dict.fromkeys((sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_READONLY_CANTLOCK), _OUTAGE),
}
_READ_ONLY_NUMBER = 3906
_UNIQUE_STATES = frozenset({"23505"})
_UNIQUE_NUMBERS = frozenset({2601, 2627})
_UNIQUE_SQLITE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})


@dataclass(frozen=True, slots=True)
class Code:
    """The codes of a driver's error: empty, None or -1 where the driver does not tell one.

    ``state``: the SQLSTATE; ``number``: SQL Server's number; ``sqlite``: SQLite's extended result code.
    """

    state: str = ""
    number: int | None = None
    sqlite: int = -1

    @classmethod
    def of(cls, error: BaseException | None) -> Code:
        """Return the codes of an error of psycopg, pyodbc, mssql-python or sqlite3."""
        if error is None:
            return cls()
        if isinstance(error, sqlite3.Error):
            unnamed = sqlite3.SQLITE_ERROR if isinstance(error, sqlite3.OperationalError) else -1
            return cls(sqlite=getattr(error, "sqlite_errorcode", None) or unnamed)
        for name in ("sqlstate", "pgcode"):
            if isinstance(found := getattr(error, name, None), str):
                return cls(found)
        if isinstance(constant := getattr(error, "driver_error", None), str):
            return cls(_STATES_OF_MSSQL_PYTHON.get(constant, ""))
        first = error.args[0] if error.args else ""
        if isinstance(first, str) and _STATE.fullmatch(first):
            return cls(first, _number(str(error.args[1]) if len(error.args) > 1 else ""))
        return cls()

    @property
    def is_unique(self) -> bool:
        """Whether a key exists already."""
        is_number = self.number in _UNIQUE_NUMBERS
        return is_number or self.state in _UNIQUE_STATES or self.sqlite in _UNIQUE_SQLITE

    @property
    def is_read_only(self) -> bool:
        """Whether the whole database is read-only, the gateway's own tables included."""
        return (
            self.state == "25006" or self.number == _READ_ONLY_NUMBER or self.sqlite & 0xFF == sqlite3.SQLITE_READONLY
        )

    @property
    def kind(self) -> Kind | None:
        """How to treat the error; None for an unknown code."""
        if self.sqlite >= 0:
            return _OF_SQLITE_EXTENDED.get(self.sqlite) or _OF_SQLITE.get(self.sqlite & 0xFF, _OUTAGE)
        if self.number is not None and self.number >= _USERS_OWN:
            return _REFUSAL
        if self.number in _OF_NUMBER:
            return _OF_NUMBER[self.number]
        if self.state == "42000" and self.number is None:
            return _REFUSAL  # mssql-python reports no more; the statement is valid T-SQL, so it is a trigger or a right
        found = _OF_STATE.get(self.state) or _OF_CLASS.get(self.state[:2])
        if found is None and _CUSTOM_CLASS.match(self.state):
            return _REFUSAL  # RAISE … USING ERRCODE
        return found


def _number(words: str) -> int | None:
    """Return SQL Server's number of the first diagnostic that does not merely repeat another one."""
    found = [int(number) for number in _NUMBER.findall(words)]
    return next((number for number in found if number not in _ECHOES), found[0] if found else None)
