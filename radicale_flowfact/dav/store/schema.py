"""Brings the gateway's own tables up to date, whenever a process starts.

Alembic does it. It is only loaded for that: it would be an eighth of a process that serves.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.database.engines import WRITES, DatabaseError, reaching
from radicale_flowfact.database.faults import told

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "dav_alembic"
_PATIENCE = 600  # seconds, for another gateway that migrates


def upgrade(engine: Engine, state_schema: str = "") -> None:
    """Create or migrate the gateway's tables; does nothing if they are of this version.

    Gateways that start together wait for each other, up to ten minutes. Raises DatabaseError naming the missing schema
    or grant, or why there is no connection.
    """
    schema = state_schema or None
    try:
        with reaching(engine) as connection:
            if is_current(connection, state_schema):
                return
            _require_no_newer(_version(connection, schema))
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            _require_schema(connection.engine, schema)
            _wait_for_others(connection, f"{VERSION_TABLE} {state_schema}")
            _migrate(connection, schema)  # checks the version again
    except DBAPIError as error:
        raise DatabaseError(
            f"the gateway's own tables cannot be made in {schema or 'the default schema'}: {told(error)}. "
            "Let an administrator run what radicale-flowfact grants prints, or name another schema as state_schema"
        ) from error


def _wait_for_others(connection: Connection, what: str) -> None:
    """Hold a lock until COMMIT, so that of gateways that start together one creates the tables.

    There is no row yet that could be locked. SQLite took its lock at BEGIN.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}s'")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_PATIENCE}s'")
        number = zlib.crc32(what.encode())
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")
    elif connection.dialect.name == "mssql":
        lock = "DECLARE @got int; EXEC @got = sp_getapplock @Resource = ?, @LockMode = 'Exclusive', "
        lock += f"@LockOwner = 'Transaction', @LockTimeout = {_PATIENCE * 1000}; SELECT @got"
        row = connection.exec_driver_sql(lock, (what,)).first()
        if row is not None and row[0] < 0:
            raise DatabaseError("another gateway makes the tables just now, and takes too long; start again")


def is_current(connection: Connection, state_schema: str = "") -> bool:
    """Return whether the gateway's tables are those that this version makes."""
    return _version(connection, state_schema or None) == newest()


@cache
def newest() -> str:
    """Return the version that this program needs: that of the last migration."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _migrate(connection: Connection, schema: str | None) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, schema=schema)
    command.upgrade(config, "head")


def _version(connection: Connection, schema: str | None) -> str | None:
    """Return the version of the gateway's tables, or None if there are none."""
    if not inspect(connection).has_table(VERSION_TABLE, schema=schema):
        return None
    table = Table(VERSION_TABLE, MetaData(schema=schema), Column("version_num", String(32)))
    return connection.scalar(select(table.c.version_num))


def _require_no_newer(version: str | None) -> None:
    if version is not None and version > newest():
        raise DatabaseError(
            f"the gateway's own tables are of version {version}, and this program knows versions up to {newest()}: "
            "install the radicale-flowfact that made them, or a newer one"
        )


def _require_schema(engine: Engine, schema: str | None) -> None:
    if schema and "." not in schema and schema not in inspect(engine).get_schema_names():
        raise DatabaseError(
            f"the database has no schema {schema!r}: run CREATE SCHEMA {schema}, or change state_schema"
        )


@dataclass(frozen=True, slots=True)
class State:
    """The gateway's own tables: their version (None: not created yet), and the version that is needed."""

    has_schema: bool
    current: str | None
    needed: str

    @property
    def is_current(self) -> bool:
        """Whether nothing must be created or migrated."""
        return self.current == self.needed


def state(connection: Connection, state_schema: str = "") -> State:
    """Return the state of the gateway's own tables; changes nothing."""
    schema = state_schema or None
    has_schema = schema is None or "." in schema or schema in inspect(connection).get_schema_names()
    return State(has_schema, _version(connection, schema) if has_schema else None, newest())
