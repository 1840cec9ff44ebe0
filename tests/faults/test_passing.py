"""Which faults of a COMMIT, or of connecting, are tried again at once: neither has a statement to be told by."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg.errors import DiskFull, SerializationFailure
from sqlalchemy.exc import DBAPIError, OperationalError

from radicale_flowfact.database import faults
from radicale_flowfact.database.fault_codes import Kind


def of_sqlite(code: int, words: str) -> sqlite3.OperationalError:
    """Return an error as the module makes it."""
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        (of_sqlite(sqlite3.SQLITE_FULL, "database or disk is full"), False),
        (of_sqlite(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error"), False),
        (of_sqlite(sqlite3.SQLITE_BUSY, "database is locked"), False),
        (of_sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open database file"), True),
        (DiskFull("could not extend file"), False),
        (SerializationFailure("could not serialize access"), True),
        (psycopg.OperationalError("connection refused"), True),
    ],
    ids=str,
)
def test_a_full_disk_is_waited_for_by_the_client(fault: Exception, passes: bool) -> None:
    error = OperationalError(None, None, fault)
    assert faults.is_passing(error) is passes
    assert faults.is_outage(error)


def of_postgresql(state: str) -> psycopg.Error:
    """Return an error as psycopg makes it; the server may speak German."""
    return psycopg.errors.lookup(state)("Keine Berechtigung, deadlock, locked, disk")


def of_sqlite_as(kind: type[sqlite3.Error], code: int) -> sqlite3.Error:
    """Return an error as the module makes it."""
    error = kind("locked, disk full")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (of_postgresql("P0001"), Kind.REFUSAL),
        (of_postgresql("23514"), Kind.REFUSAL),
        (of_postgresql("23503"), Kind.REFUSAL),
        (of_postgresql("23505"), Kind.REFUSAL),
        (of_postgresql("22001"), Kind.REFUSAL),
        (of_postgresql("25006"), Kind.REFUSAL),
        (of_postgresql("42501"), Kind.RIGHT),
        (of_postgresql("40P01"), Kind.PASSING),
        (of_postgresql("53100"), Kind.OUTAGE),
        (of_postgresql("55P03"), Kind.OUTAGE),
        (of_postgresql("57014"), Kind.OUTAGE),
        (of_postgresql("42P01"), Kind.OUTAGE),
        (of_postgresql("42601"), Kind.DEFECT),
        (of_sqlite_as(sqlite3.IntegrityError, sqlite3.SQLITE_CONSTRAINT_TRIGGER), Kind.REFUSAL),
        (of_sqlite_as(sqlite3.IntegrityError, sqlite3.SQLITE_CONSTRAINT_CHECK), Kind.REFUSAL),
        (of_sqlite_as(sqlite3.OperationalError, sqlite3.SQLITE_READONLY), Kind.REFUSAL),
        (of_sqlite_as(sqlite3.DatabaseError, sqlite3.SQLITE_AUTH), Kind.RIGHT),
        (of_sqlite_as(sqlite3.OperationalError, sqlite3.SQLITE_BUSY_SNAPSHOT), Kind.PASSING),
        (of_sqlite_as(sqlite3.OperationalError, sqlite3.SQLITE_BUSY), Kind.OUTAGE),
        (of_sqlite_as(sqlite3.OperationalError, sqlite3.SQLITE_FULL), Kind.OUTAGE),
        (of_sqlite_as(sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT), Kind.OUTAGE),
        (of_sqlite_as(sqlite3.DatabaseError, sqlite3.SQLITE_NOTADB), Kind.OUTAGE),
        (sqlite3.ProgrammingError("closed"), Kind.DEFECT),
    ],
)
def test_a_fault_is_sorted_by_its_code_and_not_by_its_words(fault: psycopg.Error | sqlite3.Error, kind: Kind) -> None:
    assert faults.kind_of(DBAPIError('UPDATE "AD" SET x = 1', None, fault)) is kind
