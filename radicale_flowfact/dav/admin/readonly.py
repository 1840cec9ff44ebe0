"""Opens connections that cannot change the database, for ``check``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine

from radicale_flowfact.database.engines import DatabaseError, reaching


@contextmanager
def read_only(engine: Engine) -> Iterator[Connection]:
    """Open a transaction in which the database refuses to write, and roll it back in the end.

    SQL Server has no such transactions: there, only SELECTs are sent. Raises DatabaseError for an SQLite file that does
    not exist, because connecting would create it.
    """
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and file != ":memory:" and not Path(file).is_file():
        raise DatabaseError(f"there is no database file {file}; correct database_url in flowfact.toml")
    with reaching(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        is_lite = engine.dialect.name == "sqlite"
        if is_lite:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        try:
            yield connection
        finally:
            connection.rollback()
            if is_lite:
                connection.exec_driver_sql("PRAGMA query_only = OFF")
