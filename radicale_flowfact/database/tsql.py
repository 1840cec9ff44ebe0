"""Makes SQL Server's driver return true row counts and every error, whatever triggers send.

FlowFact's tables may have triggers. One without SET NOCOUNT ON sends the counts of its own statements first, and ODBC
returns only the first result: ``rowcount`` would be the trigger's, and a later error would be lost. So each UPDATE and
DELETE selects ``@@ROWCOUNT`` in the same batch, which triggers do not change, and every result is read to the end.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Engine, Integer, column, event, func, select, table
from sqlalchemy.dialects.mssql.base import MSExecutionContext
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.engine.cursor import _NO_CURSOR_DML, CursorFetchStrategy
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool.base import _AdhocProxiedConnection

from radicale_flowfact.database.lengths import utf16_units
from radicale_flowfact.database.prepared import Cursors, PreparedCursor

_COUNT = "; SELECT @@ROWCOUNT"
_CURSORS = "flowfact_cursors"
_MAX = 0  # the length of nvarchar(max) and varchar(max), to ODBC


class CountingContext(MSExecutionContext):
    """Executes one statement on SQL Server."""

    _counts = False

    def pre_exec(self) -> None:
        """Append the SELECT of the row count to an UPDATE or DELETE.

        Statements for many rows at once are left as they are: only the gateway's own tables get such.
        """
        super().pre_exec()  # type: ignore[no-untyped-call]
        writes = self.isupdate or self.isdelete
        returns = self.compiled is not None and bool(getattr(self.compiled, "effective_returning", ()))
        self._counts = writes and not self.executemany and not returns
        if self._counts:
            self.statement = f"{self.statement}{_COUNT}"

    def post_exec(self) -> None:
        """Read all results. Raises the driver's error for whatever failed, also in a trigger."""
        super().post_exec()  # type: ignore[no-untyped-call]
        if not self._counts and not (self.isinsert and not self.executemany):
            return
        last = self._last_value()
        if self._counts:
            self._rowcount = -1 if last is None else int(last)
            self.cursor_fetch_strategy = cast(CursorFetchStrategy, _NO_CURSOR_DML)

    def create_default_cursor(self) -> DBAPICursor:
        """Return a cursor that keeps statements prepared; pyodbc only."""
        connection = self._dbapi_connection
        if self.dialect.driver != "pyodbc" or isinstance(
            connection, _AdhocProxiedConnection
        ):  # the first connection of the dialect
            return super().create_default_cursor()
        cursors = connection.info.setdefault(_CURSORS, Cursors(connection.dbapi_connection))
        return cast(DBAPICursor, PreparedCursor(cursors))

    def _last_value(self) -> int | None:
        """Return the value of the last result with rows; a trigger may send such results before."""
        last = None
        while True:
            if self.cursor.description:
                for row in self.cursor.fetchall():
                    last = row[0]
            if not self.cursor.nextset():
                return last


def count_truly(engine: Engine) -> None:
    """Use ``CountingContext`` for every statement of an engine for SQL Server."""
    engine.dialect.execution_ctx_cls = CountingContext


def waiting_note(connection: Connection) -> str:
    """Return a note if READ_COMMITTED_SNAPSHOT is off, so that reading waits for writing; else empty."""
    databases = table("databases", column("name"), column("is_read_committed_snapshot_on", Integer), schema="sys")
    asked = select(databases.c.is_read_committed_snapshot_on).where(databases.c.name == func.db_name())
    if connection.dialect.name != "mssql" or connection.scalar(asked):
        return ""
    return "READ_COMMITTED_SNAPSHOT is off: a poll waits for a row that somebody holds; see docs/sql-server.md"


def declare_lengths(engine: Engine) -> None:
    """Declare each text with the length of its column, not of its value, on an engine for SQL Server.

    Otherwise SQL Server takes each length for another statement and compiles a plan for each.
    """

    @event.listens_for(engine, "do_setinputsizes")
    def _on_sizes(
        sizes: dict[BindParameter[Any], Any], _cursor: object, _statement: str, _rows: object, context: ExecutionContext
    ) -> None:
        for parameter, kind in sizes.items():
            length = getattr(parameter.type.dialect_impl(engine.dialect), "length", None)
            if kind is not None and not isinstance(kind, tuple) and isinstance(length, int):
                sizes[parameter] = (kind, length if _longest(parameter, context) <= length else _MAX, 0)


def _longest(parameter: BindParameter[Any], context: ExecutionContext) -> int:
    """Return the length of the longest value that is sent for a parameter.

    A value to search for may be longer than the column.
    """
    compiled = context.compiled
    assert compiled is not None  # noqa: S101 - only a compiled statement has types to declare
    name = compiled.bind_names[parameter]  # type: ignore[attr-defined]
    found = [row.get(name) for row in context.compiled_parameters]  # type: ignore[attr-defined]
    values = [value for one in found for value in (one if isinstance(one, list | tuple) else [one])]
    return max((utf16_units(value) for value in values if isinstance(value, str)), default=0)
