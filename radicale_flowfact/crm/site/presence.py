"""Finds out whether the mapped tables and columns are there and may be read, cheaply enough to ask again and again.

One SELECT without rows for each table names all its mapped columns. Only where one of them fails is the real schema
read, which is slower, and says which names are meant.
"""

from __future__ import annotations

from sqlalchemy import Connection, false, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.crm.names import TABLES, UNREAD, NameMap
from radicale_flowfact.crm.site.check import Fault, check
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.fault_codes import Kind
from radicale_flowfact.database.faults import kind_of


def missing(connection: Connection, tables: Tables, names: NameMap) -> list[Fault]:
    """Return a fault for each mapped table or column that is not there or may not be read.

    Where a SELECT fails, the transaction is rolled back. Raises DBAPIError for a failure of the database itself.
    """
    found: list[Fault] = []
    for name, table in _read_tables(tables, names).items():
        try:
            connection.execute(select(*table.c).where(false())).all()
        except DBAPIError as error:
            connection.rollback()
            kind = kind_of(error)
            if kind is Kind.RIGHT:
                text = f"table {name}: the database user may not read it; see radicale-flowfact grants"
                found.append(Fault(name, text))
                continue
            if faults := check(connection, names):
                return [*found, *faults]
            raise
    return found


def _read_tables(tables: Tables, names: NameMap) -> dict[str, SqlTable]:
    """Return the tables that are read, by their logical names."""
    placed = {(table.schema, str(table.name)): table for table in tables.metadata.tables.values()}
    places = {name: names.table(name) for name in TABLES if name not in UNREAD}
    return {name: placed[place] for name, place in places.items() if place is not None}
