"""An engine for SQL Server whose driver is the stand-in; all else is as the gateway has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine

from radicale_flowfact.database.connections import Timeouts, prepare_mssql
from tests.mssql import driver


@contextmanager
def sql_server(state_schema: str | None = "dav") -> Iterator[tuple[Engine, driver.Server]]:
    """Give an engine for a SQL Server that takes everything down."""
    server = driver.Server()
    made = create_engine(
        "mssql+pyodbc://u:p@h/d?driver=D",
        module=driver,
        creator=lambda: driver.Connection(server, (), {}),
    )
    prepare_mssql(made, Timeouts())
    yield made.execution_options(schema_translate_map={"dav": state_schema}), server
    made.dispose()
