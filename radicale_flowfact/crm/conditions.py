"""The conditions of which scopes are made: flags, rights lists, archived records, kinds of tasks (rules 2, 5, 17)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, exists, false, func, not_, or_, true
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm.tables import CODES, Tables
from radicale_flowfact.database.keys import some
from radicale_flowfact.database.site_values import SiteFlag
from radicale_flowfact.records import Table, User

READABLE = ("VOLL", "LESEN")
"""The rights with which a record may be read."""


def flag(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a flag is set; NULL counts as not set."""
    if isinstance(column.type, SiteFlag):
        return column.type.is_set(column)
    return func.coalesce(column, false()) == true()


def reader(user: User) -> dict[str, object]:
    """Return the parameters that name the reader in ``readable``: the user and his groups."""
    return {"user": user.dsn, "groups": some(user.groups)}


def readable(tables: Tables, table: Table, dsn: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that the reader may read a record (rule 5).

    He may if the record has no rights list, or if an entry with VOLL or LESEN names him, a group of his or everybody.
    """
    rights = tables.rights
    if rights is None:
        return true()
    mine = and_(of_table(rights, table), rights.c.OBJ_DSN == dsn)
    entry = and_(_is_one_of(rights.c.RECHT, READABLE), _names_reader(rights))
    return or_(not_(exists().where(mine)), exists().where(mine, entry))


def of_table(rights: SqlTable, table: Table) -> ColumnElement[bool]:
    """Return the condition that a row of the rights list is about records of this table."""
    return _is_one_of(rights.c.TABELLE, (table.value,))


def _is_one_of(column: ColumnElement[Any], words: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the condition that a column of keywords has one of these words, in the codes of this site.

    Texts are compared trimmed and in upper case: not every database ignores case and spaces.
    """
    codes = [code for word in words for code in column.info[CODES][word]]
    if isinstance(column.type, Integer):
        return column.in_(codes)
    spelled = [str(code).strip().upper() for code in codes]
    text: ColumnElement[str] = func.upper(func.ltrim(func.rtrim(column)), type_=column.type)
    return text == spelled[0] if len(spelled) == 1 else text.in_(spelled)


def _names_reader(rights: SqlTable) -> ColumnElement[bool]:
    """Return the condition that a row of the rights list names the reader, a group of his, or everybody."""
    everybody = and_(rights.c.BEN_DSN.is_(None), rights.c.GRP_DSN.is_(None))
    in_groups = rights.c.GRP_DSN.in_(bindparam("groups", expanding=True))
    return or_(rights.c.BEN_DSN == bindparam("user", type_=rights.c.BEN_DSN.type), in_groups, everybody)


def is_task_kind(tables: Tables) -> ColumnElement[bool]:
    """Return the condition that a kind's activities are tasks (rule 2).

    Where AUFGABE is not mapped, every kind that is neither calendar nor mail is one.
    """
    kind = tables.kind
    if "AUFGABE" in kind.c:
        return flag(kind.c.AUFGABE)
    mail = flag(kind.c.MAIL) if "MAIL" in kind.c else false()
    return and_(not_(flag(kind.c.KALENDER)), not_(mail))


def linked_address_shown(tables: Tables) -> ColumnElement[bool]:
    """Return the condition that an appointment may show a linked address (rule 17).

    The reader may read it, and it is not archived.
    """
    address = tables.address
    return and_(not_archived(address), readable(tables, Table.ADDRESS, address.c.DSN))


def not_archived(table: SqlTable) -> ColumnElement[bool]:
    """Return the condition that a record is not archived; where ARCHIV is not mapped, none is."""
    return not_(flag(table.c.ARCHIV)) if "ARCHIV" in table.c else true()
