"""Which faults of a COMMIT, or of connecting, are tried again at once: neither has a statement to be told by."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg.errors import DiskFull, SerializationFailure
from sqlalchemy.exc import OperationalError

from radicale_flowfact import faults


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        (sqlite3.OperationalError("database or disk is full"), False),
        (sqlite3.OperationalError("disk I/O error"), False),
        (sqlite3.OperationalError("database is locked"), False),
        (sqlite3.OperationalError("unable to open database file"), True),
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
