"""Keeps statements prepared on their connection, so that each is one request to SQL Server from its second time on.

ODBC prepares a statement with its first execution, and has the server forget it when its cursor is closed or executes
another one: two requests for each statement. pyodbc does not if a cursor executes the same string object again. So each
connection keeps a cursor for each of the last 100 statements that it executed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

_MOST = 100  # cursors of one connection, each with a statement that the server keeps prepared


class Cursors:
    """The kept cursors of one connection, by statement; used by one thread at a time."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - the driver's own type
        self._connection = connection
        self._idle: OrderedDict[str, tuple[Any, str]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many cursors are kept."""
        return len(self._idle)

    def take(self, statement: str) -> tuple[Any, str]:
        """Return a cursor for a statement, and the string object that it was prepared with."""
        known = self._idle.pop(statement, None)
        return (self._connection.cursor(), statement) if known is None else known

    def put_back(self, cursor: Any, statement: str) -> None:  # noqa: ANN401
        """Keep a cursor whose results were read; of too many, the one unused for longest is closed."""
        closed = self._idle.pop(statement, None)  # the statement was executed while its own results were read
        self._idle[statement] = cursor, statement
        if len(self._idle) > _MOST:
            _, closed = self._idle.popitem(last=False)
        if closed is not None:
            closed[0].close()


class PreparedCursor:
    """A DB-API cursor for SQLAlchemy that executes each statement on a kept cursor of its connection."""

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors
        self._raw: Any = None
        self._statement = ""
        self._sizes: Sequence[object] | None = None

    def setinputsizes(self, sizes: Sequence[object] | None) -> None:
        """Set the types of the next call's parameters."""
        self._sizes = sizes

    def execute(self, statement: str, *parameters: object) -> PreparedCursor:
        """Execute a statement."""
        with self._taking(statement) as raw:
            raw.execute(self._statement, *parameters)
        return self

    def executemany(self, statement: str, rows: Sequence[object]) -> None:
        """Execute a statement for many rows."""
        with self._taking(statement) as raw:
            raw.executemany(self._statement, rows)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the driver's cursor has
        if self._raw is None:
            raise AttributeError(name)
        return getattr(self._raw, name)

    def close(self) -> None:
        """Read the remaining results, since the connection is busy until then, and give the kept cursor back."""
        raw, self._raw = self._raw, None
        if raw is None:
            return
        try:
            while raw.nextset():
                pass
        except Exception:
            with suppress(Exception):  # the error was raised before, or will be by the next statement
                raw.close()
        else:
            self._cursors.put_back(raw, self._statement)

    @contextmanager
    def _taking(self, statement: str) -> Iterator[Any]:
        """Yield a cursor to execute with; one whose statement fails is closed."""
        self.close()
        raw, self._statement = self._cursors.take(statement)
        try:
            raw.setinputsizes(self._sizes)
            yield raw
        except BaseException:
            with suppress(Exception):  # the first error is raised
                raw.close()
            raise
        finally:
            self._sizes = None
        self._raw = raw
