"""How often the gateway speaks to SQL Server: each request costs the way there and back, however fast the server is.

Counted is what pyodbc and Microsoft's driver are documented to send; no server was asked.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Integer, Select, column, select, table

from radicale_flowfact.database.prepared import Cursors, PreparedCursor
from tests.clients import tools
from tests.conftest import Agency, Server
from tests.mssql import driver
from tests.mssql.engine import sql_server
from tests.mssql.statements import Executed, collecting

_STATEMENT: Select[int] = select(column("a", Integer)).select_from(table("t")).where(column("a") == 1)
_COMMIT = 1
_HALF = 29
"""Half of what a PUT of a changed task made when each statement was prepared and forgotten."""


def put_of_a_changed_task(agency: Agency, server: Server) -> list[Executed]:
    """Return what a PUT of a changed task executes, with all that is looked up for it."""
    agency.task()
    device = server.start().device()  # refresh_seconds = 0: the user is read anew, too
    (href,) = device.all("tasks")
    got = device.get(f"tasks/{href}")
    server.gateway.flush()
    changed = got.text.replace("SUMMARY:", "SUMMARY:Changed ")
    with collecting() as collected:
        assert device.put(f"tasks/{href}", changed, got.etag).status == 204
    return collected.executed


def requests_for(executed: list[Executed], times: int) -> int:
    """Return how many requests the statements make when they are executed for the last of so many times."""
    with sql_server() as (engine, server):
        for _ in range(times):
            before = server.requests
            with engine.connect() as connection:
                for one in executed:
                    server.answers.append([driver.Rows((1,))])
                    connection.execute(one.statement, one.parameters).close()
        return server.requests - before


def test_a_changed_task_takes_half_of_the_requests(agency: Agency, server: Server) -> None:
    executed = put_of_a_changed_task(agency, server)
    warm = requests_for(executed, 2) + _COMMIT
    assert warm <= _HALF, f"{len(executed)} statements"


def test_a_statement_stays_prepared_on_its_connection() -> None:
    assert [requests_for([Executed(_STATEMENT, {})] * 3, times) for times in (1, 2)] == [3, 3]


def test_no_more_cursors_are_kept_than_a_connection_may_have() -> None:
    many = [Executed(select(column(f"c{number}")).where(column("a") == 1), {}) for number in range(150)]
    with sql_server() as (engine, server), engine.connect() as connection:
        for one in many:
            server.answers.append([driver.Rows((1,))])
            connection.execute(one.statement).close()
        assert server.requests == 150 + 50


def test_results_that_nobody_read_do_not_keep_the_connection_busy() -> None:
    with sql_server() as (engine, server), engine.connect() as connection:
        server.answers += [[driver.Rows((1, 2)), driver.Rows((3,))], [driver.Rows((4,))]]
        connection.execute(_STATEMENT).close()
        assert connection.scalar(_STATEMENT) == 4


def test_pyodbc_itself_executes_again_what_it_prepared(tmp_path: Path) -> None:
    """Shown on another ODBC driver (Debian's libsqliteodbc), where that is installed."""
    pyodbc = tools.require_package("pyodbc")
    if "SQLite3" not in pyodbc.drivers():
        pytest.skip("there is no ODBC driver whose database is a file")
    raw = pyodbc.connect(f"DRIVER=SQLite3;Database={tmp_path / 'x.sqlite'}")
    raw.execute("CREATE TABLE t (a integer, b varchar(20))").close()
    cursors = Cursors(raw)
    for number in range(3):
        cursor = PreparedCursor(cursors)
        cursor.setinputsizes([None, (pyodbc.SQL_WVARCHAR, 20, 0)])
        cursor.execute("INSERT INTO t (a, b) VALUES (?, ?)", (number, "x" * number))
        assert cursor.rowcount == 1
        cursor.close()
        cursor.execute("SELECT b FROM t WHERE a >= ? ORDER BY a DESC", (0,))
        assert cursor.fetchone()[0] == "x" * number  # the other rows are left unread
        cursor.close()
        with pytest.raises(pyodbc.Error):
            cursor.execute("SELECT nothing FROM t WHERE a = ?", (number,))
        cursor.close()
        raw.commit()
    assert len(cursors) == 2
    raw.close()
