"""SQL Server's faults, by what its driver says: what is tried again, what is waited for, what breaks a connection."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.database import faults
from radicale_flowfact.database.connections import renew_stale_plans
from radicale_flowfact.database.fault_codes import Kind
from tests.mssql import driver
from tests.mssql.engine import sql_server


@pytest.mark.parametrize(
    ("fault", "passes", "disconnects"),
    [
        (driver.OperationalError("40001", "[40001] was deadlocked on lock resources (1205)"), True, False),
        (driver.OperationalError("08S01", "[08S01] Communication link failure"), True, True),
        (driver.OperationalError("HYT00", "[HYT00] Query timeout expired (0)"), False, False),
        (driver.OperationalError("HYT00", "[HYT00] Das Abfragetimeout ist abgelaufen (0)"), False, False),
        (driver.OperationalError("HYT00", "[HYT00] Lock request time out period exceeded. (1222)"), False, False),
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


def of_server(number: int, state: str, words: str, *more: str) -> driver.Error:
    """Return an error as pyodbc makes it of SQL Server's diagnostics."""
    first = f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{words} ({number}) (SQLExecDirectW)"
    return driver.ProgrammingError(state, "; ".join((first, *more)))


_ENDED = "[01000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Die Anweisung wurde beendet. (3621)"
_WRITE = "UPDATE [AD] SET [ORT] = 'x'"


@pytest.mark.parametrize(
    ("number", "state", "kind"),
    [
        (50000, "42000", Kind.REFUSAL),  # RAISERROR, THROW
        (51234, "42000", Kind.REFUSAL),
        (547, "23000", Kind.REFUSAL),  # CHECK, FOREIGN KEY
        (2601, "23000", Kind.REFUSAL),
        (2627, "23000", Kind.REFUSAL),
        (515, "23000", Kind.REFUSAL),  # NULL
        (8152, "22001", Kind.REFUSAL),
        (2628, "22001", Kind.REFUSAL),
        (8115, "22003", Kind.REFUSAL),
        (241, "22007", Kind.REFUSAL),
        (242, "22007", Kind.REFUSAL),
        (3609, "42000", Kind.REFUSAL),  # the trigger rolled back
        (3906, "25000", Kind.REFUSAL),  # the database is read-only
        (229, "42000", Kind.RIGHT),
        (230, "42000", Kind.RIGHT),
        (262, "42000", Kind.RIGHT),
        (1205, "40001", Kind.PASSING),
        (3960, "42000", Kind.PASSING),
        (1222, "HYT00", Kind.OUTAGE),
        (1222, "42000", Kind.OUTAGE),
        (9002, "42000", Kind.OUTAGE),  # the log is full
        (1105, "42000", Kind.OUTAGE),
        (208, "42S02", Kind.OUTAGE),
        (102, "42000", Kind.DEFECT),
        (8120, "42000", Kind.DEFECT),
    ],
)
def test_what_a_server_says_is_sorted_by_its_number_in_any_language(number: int, state: str, kind: Kind) -> None:
    """Rule 28: a fault that will not pass is never called a passing one."""
    with sql_server() as (engine, server):
        server.answers.append([of_server(number, state, "Der Auslöser (1205) sagt nein.", _ENDED)])
        with engine.connect() as connection, pytest.raises(DBAPIError) as told:
            connection.execute(text(_WRITE))
        assert not told.value.connection_invalidated
    assert faults.kind_of(told.value) is kind


def test_a_held_row_does_not_throw_the_pool_away() -> None:
    with sql_server() as (engine, server):
        for fault in (of_server(1222, "HYT00", "Sperranforderung"), driver.OperationalError("HYT00", "Abfrage (0)")):
            server.answers += [[fault]]
            with engine.connect() as connection, pytest.raises(DBAPIError):
                connection.execute(text(_WRITE))
            assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]


def test_a_plan_that_no_longer_fits_is_made_anew() -> None:
    with sql_server() as (engine, server):
        renew_stale_plans(engine)
        server.answers.append([of_server(8179, "42000", "Die vorbereitete Anweisung wurde nicht gefunden.")])
        with engine.connect() as connection, pytest.raises(DBAPIError) as told:
            connection.execute(text(_WRITE))
    assert told.value.connection_invalidated
    assert faults.is_passing(told.value)


@pytest.mark.parametrize(
    ("number", "kind"), [(2627, Kind.PASSING), (515, Kind.DEFECT), (229, Kind.RIGHT)], ids=lambda value: str(value)
)
def test_a_constraint_of_the_gateways_own_tables_is_not_the_devices_fault(number: int, kind: Kind) -> None:
    with sql_server() as (engine, server):
        server.answers.append([of_server(number, "23000", "nein", _ENDED)])
        with engine.connect() as connection, pytest.raises(DBAPIError) as told:
            connection.execute(text("INSERT INTO [gateway].[dav_item] (id) VALUES (1)"))
    assert faults.kind_of(told.value) is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [("23000", Kind.REFUSAL), ("42000", Kind.REFUSAL), ("HYT00", Kind.OUTAGE), ("40001", Kind.PASSING)],
)
def test_microsofts_python_driver_is_known_by_its_constants(state: str, kind: Kind) -> None:
    exceptions = pytest.importorskip("mssql_python.exceptions")
    error = exceptions.sqlstate_to_exception(state, "[Microsoft][SQL Server]Nein.")
    assert faults.kind_of(DBAPIError(_WRITE, None, error)) is kind


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
