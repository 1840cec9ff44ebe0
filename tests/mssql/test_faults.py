"""SQL Server's faults, by what its driver says: what is tried again, what is waited for, what breaks a connection."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from radicale_flowfact import faults
from tests.mssql import driver
from tests.mssql.engine import sql_server


@pytest.mark.parametrize(
    ("fault", "passes", "disconnects"),
    [
        (driver.OperationalError("40001", "[40001] was deadlocked on lock resources (1205)"), True, False),
        (driver.OperationalError("08S01", "[08S01] Communication link failure"), True, True),
        (driver.OperationalError("HYT00", "[HYT00] Query timeout expired (0)"), False, False),
        (driver.ProgrammingError("42S02", "[42S02] Invalid object name 'AD' (208)"), False, False),
    ],
    ids=lambda value: value.args[0] if isinstance(value, Exception) else "",
)
def test_sql_servers_faults_are_told_apart(fault: driver.Error, passes: bool, disconnects: bool) -> None:
    with sql_server() as (engine, server):
        server.answers.append([fault])
        with engine.connect() as connection, pytest.raises(DBAPIError) as told:
            connection.execute(text("SELECT 2"))
    assert faults.is_passing(told.value) is passes
    assert told.value.connection_invalidated is disconnects
    assert faults.is_outage(told.value)


def test_a_savepoint_that_went_with_the_deadlock_does_not_hide_it() -> None:
    with sql_server() as (engine, server), engine.begin() as connection:
        deadlock = driver.OperationalError("40001", "[40001] deadlocked (1205)")
        no_savepoint = driver.ProgrammingError("25000", "[25000] Cannot roll back sa_savepoint_1 (6401)")
        server.answers += [[driver.Count(0)], [deadlock], [no_savepoint]]
        with pytest.raises(DBAPIError) as told, connection.begin_nested():
            connection.execute(text("SELECT 2"))
    assert faults.is_passing(told.value)


def test_nothing_is_tried_more_than_four_times_in_all() -> None:
    tried: list[int] = []
    waited: list[float] = []

    def attempt(number: int) -> None:
        tried.append(number)
        with sql_server() as (engine, server), engine.connect() as connection:
            server.answers.append([driver.OperationalError("08S01", "[08S01] Communication link failure")])
            connection.execute(text("SELECT 2"))

    with pytest.raises(DBAPIError):
        faults.whole(attempt, waited.append)
    assert tried == [0, 1, 2, 3]
    assert waited == sorted(waited)
    assert sum(waited) < 5
