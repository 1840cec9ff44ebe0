"""Holds the statements that a device's write needs, each composed once: composing takes longer than running.

Columns have their logical names. A parameter ``new_…`` is a value to write, ``the_…`` a value to compare with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Delete, Insert, Select, Update, bindparam, delete, insert, select, update
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm.tables import REAL
from radicale_flowfact.database.engines import is_time

_MOST = 256
Names = tuple[str, ...]


@lru_cache(maxsize=_MOST)
def insert_into(table: SqlTable) -> Insert:
    """Return the INSERT of one row; its parameters have the names of the columns."""
    return insert(table)


@lru_cache(maxsize=_MOST)
def update_of(table: SqlTable, names: Names, where: Names) -> Update:
    """Return the UPDATE of the columns ``names`` where the columns ``where`` have given values."""
    values = {table.c[name]: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return update(table).where(*_where(table, where)).values(values)


@lru_cache(maxsize=_MOST)
def update_at_touch(table: SqlTable, names: Names, where: Names) -> Update:
    """Return the same UPDATE with the condition that the Touch is ``the_TOUCH`` (rule 27)."""
    return update_of(table, names, where).where(is_time(table.c.TOUCH, "the_TOUCH", table.c.TOUCH.info.get(REAL)))


@lru_cache(maxsize=_MOST)
def update_untouched(table: SqlTable, names: Names, where: Names) -> Update:
    """Return the same UPDATE with the condition that the Touch is NULL (rule 27)."""
    return update_of(table, names, where).where(table.c.TOUCH.is_(None))


@lru_cache(maxsize=_MOST)
def delete_from(table: SqlTable, where: Names) -> Delete:
    """Return the DELETE of the rows where the columns ``where`` have given values."""
    return delete(table).where(*_where(table, where))


@lru_cache(maxsize=_MOST)
def select_from(table: SqlTable, name: str, where: Names) -> Select[Any]:
    """Return the SELECT of one column where the columns ``where`` have given values."""
    return select(table.c[name]).where(*_where(table, where))


def new(values: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters for values to write."""
    return {f"new_{name}": value for name, value in values.items()}


def the(values: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters for values to compare with."""
    return {f"the_{name}": value for name, value in values.items()}


def _where(table: SqlTable, names: Names) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(f"the_{name}", type_=table.c[name].type) for name in names]
