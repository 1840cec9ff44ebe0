"""Reads values that a column may hold and Python may not: times out of range, text that is no Unicode (rule 28).

One such value must not cost the rows beside it. A time that cannot be read becomes ``UNREADABLE_EARLY`` or
``UNREADABLE_LATE``. No calendar can hold these either, so the renderer names them as a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.types import TypeEngine

UNREADABLE_EARLY, UNREADABLE_LATE = datetime.min, datetime.max
_TIMES = ("timestamp", "timestamptz", "date")


def office_time() -> TypeEngine[datetime]:
    """Return the type of FlowFact's times: DateTime, but on SQLite one that reads any value without raising."""
    return DateTime().with_variant(_AnyTime, "sqlite")


def is_unreadable_time(moment: datetime | None) -> bool:
    """Return whether a time stands for one that could not be read."""
    return moment in (UNREADABLE_EARLY, UNREADABLE_LATE)


def is_unreadable(error: Exception) -> bool:
    """Return whether an error means that rows were found, but a value in them cannot be converted.

    The transaction then goes on, and the other rows can be read. An error of a server has a SQLSTATE, one of SQLite a
    code; an error of conversion in the driver has neither.
    """
    if isinstance(error, DataError):
        return not getattr(error.orig, "sqlstate", None)
    if isinstance(error, OperationalError):
        is_sqlite = type(error.orig).__module__.startswith("sqlite3")
        return is_sqlite and getattr(error.orig, "sqlite_errorcode", None) is None
    return isinstance(error, ValueError | TypeError | OverflowError) and not isinstance(error, DBAPIError)


class _AnyTime(sqlite.DATETIME):
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Return what makes a time of a column's value, whatever it is."""
        read = super().result_processor(dialect, coltype)

        def process(value: object) -> datetime | None:
            try:
                found: datetime | None = read(value) if read is not None else None
            except (ValueError, TypeError, OverflowError):
                return UNREADABLE_LATE
            return found

        return process


def read_any_time(connection: Any) -> None:  # noqa: ANN401 - the driver's own type
    """Let a connection of psycopg read every time.

    By itself it raises for ``infinity`` and for years before 1 and after 9999.
    """
    with suppress(ImportError):  # another driver of PostgreSQL
        from psycopg import Connection, DataError, adapters, postgres
        from psycopg.adapt import Loader
        from psycopg.pq import Format

        if not isinstance(connection, Connection):
            return

        def lenient(plain: type[Any]) -> type[Loader]:
            class Lenient(Loader):
                def __init__(self, oid: int, context: Any = None) -> None:  # noqa: ANN401
                    super().__init__(oid, context)
                    self._load = plain(oid, context).load

                def load(self, data: Any) -> Any:  # noqa: ANN401
                    try:
                        return self._load(data)
                    except DataError:
                        text = bytes(data)
                        is_early = text.startswith(b"-") or text.endswith(b"BC")
                        return UNREADABLE_EARLY if is_early else UNREADABLE_LATE

            return Lenient

        for name in _TIMES:
            plain = adapters.get_loader(postgres.types[name].oid, Format.TEXT)
            if plain is not None:
                connection.adapters.register_loader(name, lenient(plain))
