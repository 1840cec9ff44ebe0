"""Brings the gateway's own tables up to date, whenever a process starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.database import WRITES, DatabaseError, reaching

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, state_schema: str = "") -> None:
    """Create or migrate the gateway's tables; does nothing when they are up to date.

    Raises DatabaseError naming the missing schema or grant, or why there is no connection.
    """
    config, schema = _config(), state_schema or None
    try:
        with reaching(engine) as connection:
            if is_current(connection, state_schema):
                return
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            _require_schema(connection.engine, schema)
            config.attributes.update(connection=connection, schema=schema)
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise DatabaseError(
            f"the gateway's own tables cannot be made in {schema or 'the default schema'}: {error.orig}. "
            "Grant CREATE TABLE on that schema to the database user, or name another one as state_schema"
        ) from error


def is_current(connection: Connection, state_schema: str = "") -> bool:
    """Return whether the gateway's tables are those that this version makes."""
    options = {"version_table": "dav_alembic", "version_table_schema": state_schema or None}
    return MigrationContext.configure(connection, opts=options).get_current_revision() == _head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _require_schema(engine: Engine, schema: str | None) -> None:
    if schema and "." not in schema and schema not in inspect(engine).get_schema_names():
        raise DatabaseError(
            f"the database has no schema {schema!r}: run CREATE SCHEMA {schema}, or change state_schema"
        )


@dataclass(frozen=True, slots=True)
class State:
    """What there is of the gateway's own tables: their version (None: none were made) and the one that is needed."""

    has_schema: bool
    current: str | None
    needed: str

    @property
    def is_current(self) -> bool:
        """Whether nothing needs to be made."""
        return self.current == self.needed


def state(connection: Connection, state_schema: str = "") -> State:
    """Look what there is of the gateway's own tables; makes and changes nothing."""
    schema = state_schema or None
    has_schema = schema is None or "." in schema or schema in inspect(connection).get_schema_names()
    opts = {"version_table": "dav_alembic", "version_table_schema": schema}
    context = MigrationContext.configure(connection, opts=opts)
    current = context.get_current_revision() if has_schema else None
    return State(has_schema, current, ScriptDirectory(str(_MIGRATIONS)).get_current_head() or "")
