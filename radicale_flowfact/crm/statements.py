"""The statements that every write of a device needs, each made once: composing one takes longer than running it.

Columns go by their logical names. Parameters are called ``new_…`` for a value to write, ``the_…`` for one to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Delete, Insert, Select, Update, bindparam, delete, insert, select, update
from sqlalchemy import Table as SqlTable

from radicale_flowfact.database import exact_time

_MOST = 256
Names = tuple[str, ...]


@lru_cache(maxsize=_MOST)
def insert_into(table: SqlTable) -> Insert:
    """Return the INSERT of one row; its parameters are called as the columns."""
    return insert(table)


@lru_cache(maxsize=_MOST)
def update_of(table: SqlTable, names: Names, where: Names, *, guarded: bool | None = None) -> Update:
    """Return the UPDATE of these columns where others have their values.

    ``guarded``: only while the Touch is ``the_TOUCH`` (True), or there is none (False).
    """
    new = {table.c[name]: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    conditions = _where(table, where)
    if guarded is not None:
        conditions.append(table.c.TOUCH == exact_time("the_TOUCH") if guarded else table.c.TOUCH.is_(None))
    return update(table).where(*conditions).values(new)


@lru_cache(maxsize=_MOST)
def delete_from(table: SqlTable, where: Names) -> Delete:
    """Return the DELETE of the rows where columns have these values."""
    return delete(table).where(*_where(table, where))


@lru_cache(maxsize=_MOST)
def select_from(table: SqlTable, name: str, where: Names) -> Select[Any]:
    """Return the SELECT of one column where others have these values."""
    return select(table.c[name]).where(*_where(table, where))


def new(values: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters for values to write."""
    return {f"new_{name}": value for name, value in values.items()}


def the(values: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters for values to find."""
    return {f"the_{name}": value for name, value in values.items()}


def _where(table: SqlTable, names: Names) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(f"the_{name}", type_=table.c[name].type) for name in names]
