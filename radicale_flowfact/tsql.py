"""What SQL Server needs of a driver: true counts of rows, and every error, whatever triggers do.

A table of FlowFact's may have triggers. One that does not say SET NOCOUNT ON sends the counts of its own statements
first, and ODBC tells only the first result: ``rowcount`` would be the trigger's, and an error that comes behind it
would be lost. So each UPDATE and DELETE asks for ``@@ROWCOUNT`` in the same batch, where a trigger does not reach it,
and every result is read to the end.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Engine
from sqlalchemy.dialects.mssql.base import MSExecutionContext
from sqlalchemy.engine.cursor import _NO_CURSOR_DML, CursorFetchStrategy

_COUNT = "; SELECT @@ROWCOUNT"


class CountingContext(MSExecutionContext):
    """Executes one statement on SQL Server."""

    _counts = False

    def pre_exec(self) -> None:
        """Let an UPDATE or DELETE ask for its own count. Many rows at once are for the gateway's own tables only."""
        super().pre_exec()  # type: ignore[no-untyped-call]
        writes = self.isupdate or self.isdelete
        returns = self.compiled is not None and bool(getattr(self.compiled, "effective_returning", ()))
        self._counts = writes and not self.executemany and not returns
        if self._counts:
            self.statement = f"{self.statement}{_COUNT}"

    def post_exec(self) -> None:
        """Read what the statement sent. Raises the driver's error for whatever went wrong, in a trigger too."""
        super().post_exec()  # type: ignore[no-untyped-call]
        if not self._counts and not (self.isinsert and not self.executemany):
            return
        last = self._last_value()
        if self._counts:
            self._rowcount = -1 if last is None else int(last)
            self.cursor_fetch_strategy = cast(CursorFetchStrategy, _NO_CURSOR_DML)

    def _last_value(self) -> int | None:
        """Return what the last result with rows says; a trigger may send such results, too."""
        last = None
        while True:
            if self.cursor.description:
                for row in self.cursor.fetchall():
                    last = row[0]
            if not self.cursor.nextset():
                return last


def count_truly(engine: Engine) -> None:
    """Let an engine for SQL Server execute every statement so."""
    engine.dialect.execution_ctx_cls = CountingContext
