"""A stand-in for pyodbc's module: SQLAlchemy's own SQL Server dialect sends it what a server would get.

It keeps every statement with its parameters, and answers a statement as it was told to, result set by result set.
No SQL Server can be run for the tests; the code in front of the driver is all real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_VERSION = "13.0.5026.0"  # SQL Server 2016
_ASKED_AT_FIRST = {"SERVERPROPERTY": _VERSION, "schema_name()": "dbo", "transaction_isolation_level": "READ COMMITTED"}

paramstyle = "qmark"
version = "5.2.0"
threadsafety = 1
apilevel = "2.0"
pooling = True
SQL_WVARCHAR = "SQL_WVARCHAR"
SQL_VARCHAR = "SQL_VARCHAR"
SQL_DECIMAL = "SQL_DECIMAL"
BINARY = "BINARY"
DATETIME = "DATETIME"
STRING = "STRING"
NUMBER = "NUMBER"
SQL_WLONGVARCHAR = "SQL_WLONGVARCHAR"
SQL_VARBINARY = "SQL_VARBINARY"
BinaryNull = None


class Error(Exception):
    """PEP 249."""


class Warning(Exception):  # noqa: N818 - PEP 249's name
    """PEP 249."""


class InterfaceError(Error):
    """PEP 249."""


class DatabaseError(Error):
    """PEP 249."""


class OperationalError(DatabaseError):
    """PEP 249."""


class ProgrammingError(DatabaseError):
    """PEP 249."""


class IntegrityError(DatabaseError):
    """PEP 249."""


class DataError(DatabaseError):
    """PEP 249."""


class InternalError(DatabaseError):
    """PEP 249."""


class NotSupportedError(DatabaseError):
    """PEP 249."""


@dataclass(frozen=True)
class Sent:
    """What one call handed to the driver; ``sizes`` are the types of the parameters, where the dialect names them."""

    sql: str
    rows: tuple[tuple[object, ...], ...]
    sizes: tuple[object, ...] = ()


@dataclass(frozen=True)
class Count:
    """A result set without columns: how many rows a statement, or one in a trigger, affected."""

    rows: int


@dataclass(frozen=True)
class Rows:
    """A result set with one column."""

    values: tuple[object, ...]


Result = Count | Rows | Error


@dataclass
class Server:
    """What the driver was given, and what it answers next (nothing: it ends the call with ``RecordedError``)."""

    sent: list[Sent] = field(default_factory=list)
    answers: list[Sequence[Result]] = field(default_factory=list)
    requests: int = 0
    """How often the driver would have spoken to the server: executing, and forgetting what was prepared, one each."""
    sessions: list[str] = field(default_factory=list)
    """What was set for each new connection."""
    commits: int = 0
    rollbacks: int = 0


class RecordedError(DatabaseError):
    """The statement was taken down; there is no server that could answer it."""


class Cursor:
    """A cursor of pyodbc, as far as SQLAlchemy uses one."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._results: list[Result] = []
        self._sizes: tuple[object, ...] = ()
        self._prepared: str | None = None
        self.rowcount = -1
        self.description: list[tuple[Any, ...]] | None = None

    def setinputsizes(self, sizes: Sequence[object] | None) -> None:
        """Remember the types of the next call's parameters."""
        self._sizes = tuple(sizes or ())

    def _ask(self, sql: str, *, with_parameters: bool) -> None:
        """Count as pyodbc does: it prepares what has parameters, unless this cursor executed the very same string."""
        if with_parameters and self._prepared is not sql:
            self._forget()
            self._prepared = sql
        self._server.requests += 1

    def _forget(self) -> None:
        self._server.requests += self._prepared is not None
        self._prepared = None

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        """Take a statement down and go to its first result."""
        for word, value in _ASKED_AT_FIRST.items():
            if word in sql:
                return self._start([Rows((value,))])
        if "FROM sys.system_views" in sql:
            return self._start([Rows(("dm_exec_sessions",))])
        if "test max support" in sql or "fn_listextendedproperty" in sql or sql == "SELECT 1":
            return self._start([Rows(("1",))])
        if sql.startswith("SET "):
            self._server.sessions.append(sql)
            return self._start([Count(-1)])
        self._ask(sql, with_parameters=bool(parameters))
        self._server.sent.append(Sent(sql, (tuple(parameters),), self._sizes))
        return self._start(self._answer())

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Take a statement down."""
        for _ in rows:
            self._ask(sql, with_parameters=True)
        self._server.sent.append(Sent(sql, tuple(tuple(row) for row in rows), self._sizes))
        self._start(self._answer())

    def _answer(self) -> Sequence[Result]:
        if not self._server.answers:
            raise RecordedError("taken down")
        return self._server.answers.pop(0)

    def _start(self, results: Sequence[Result]) -> Cursor:
        self._results = list(results)
        self._show()
        return self

    def _show(self) -> None:
        first = self._results[0]
        if isinstance(first, Error):
            raise first
        self.rowcount = first.rows if isinstance(first, Count) else -1
        self.description = None if isinstance(first, Count) else [("", str, None, None, None, None, None)]

    def nextset(self) -> bool:
        """Go to the next result, as SQLMoreResults does; an error that comes later is raised only here."""
        self._results = self._results[1:]
        if not self._results:
            self.rowcount, self.description = -1, None
            return False
        self._show()
        return True

    def fetchall(self) -> list[tuple[object, ...]]:
        """Return the rows of the result at hand."""
        first = self._results[0]
        assert isinstance(first, Rows), "there is no result set"
        return [(value,) for value in first.values]

    def fetchone(self) -> tuple[object, ...] | None:
        """Return the first row."""
        return next(iter(self.fetchall()), None)

    def close(self) -> None:
        """Let the server forget what was prepared."""
        self._forget()


class Connection:
    """A connection of pyodbc."""

    def __init__(self, server: Server, arguments: tuple[object, ...], options: dict[str, object]) -> None:
        self.server = server
        self.arguments = arguments
        self.options = options
        self.timeout = 0
        self.autocommit = False

    def cursor(self) -> Cursor:
        """Give a cursor."""
        return Cursor(self.server)

    def add_output_converter(self, kind: int, function: object) -> None:
        """Do nothing."""

    def commit(self) -> None:
        """Count."""
        self.server.commits += 1

    def rollback(self) -> None:
        """Count."""
        self.server.rollbacks += 1

    def close(self) -> None:
        """Do nothing."""
