"""Holds the SELECTs of records, each composed once for FlowFact's tables, for one record or for many.

Their parameter ``dsns`` is one DSN if ``is_one``, otherwise a list: an IN of one value costs more than an =.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm import conditions
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.records import Table


@lru_cache(maxsize=32)
def addresses(tables: Tables, is_one: bool) -> Select[Any]:
    """Return the SELECT of addresses."""
    return select(tables.address).where(_among(tables.address.c.DSN, is_one))


@lru_cache(maxsize=32)
def phones_of(tables: Tables, is_one: bool) -> Select[Any]:
    """Return the SELECT of the phones of addresses, in the order of their positions."""
    phone = tables.phone
    return select(phone).where(_among(phone.c.AD_DSN, is_one)).order_by(phone.c.AD_DSN, phone.c.POS)


@lru_cache(maxsize=32)
def activities(tables: Tables, is_one: bool) -> Select[Any]:
    """Return the SELECT of activities with their kinds."""
    activity, kind = tables.activity, tables.kind
    return (
        select(activity, *(column.label(f"kind_{column.key}") for column in kind.c))
        .join_from(activity, kind, kind.c.DSN == activity.c.ART_DSN, isouter=True)
        .where(_among(activity.c.DSN, is_one))
    )


@lru_cache(maxsize=32)
def links_of(tables: Tables, is_one: bool) -> Select[Any]:
    """Return the SELECT of addresses linked to activities; it also needs the parameters of ``conditions.reader``."""
    links, address = tables.activity_address, tables.address
    return (
        select(links.c.AKT_DSN, address)
        .join(address, address.c.DSN == links.c.AD_DSN)
        .where(_among(links.c.AKT_DSN, is_one), conditions.linked_address_shown(tables))
        .order_by(address.c.NAME, address.c.VORNAME, address.c.FIRMA, address.c.DSN)
    )


@lru_cache(maxsize=32)
def people_of(tables: Tables, is_one: bool) -> Select[Any]:
    """Return the SELECT of the users whose own Merkmal is on activities (rule 17)."""
    tags, people = tables.activity_merkmal, tables.user
    return (
        select(tags.c.AKT_DSN, people.c.DSN, people.c.NAME)
        .join(people, people.c.MKM_DSN == tags.c.MKM_DSN)
        .where(_among(tags.c.AKT_DSN, is_one))
        .order_by(people.c.NAME, people.c.DSN)
    )


@lru_cache(maxsize=32)
def readers_of(tables: Tables, is_one: bool) -> Select[Any]:
    """Return the SELECT of the users named in the rights lists of activities (rule 18)."""
    rights = tables.rights
    assert rights is not None  # noqa: S101 - asked only where rights lists are mapped
    mine = (conditions.of_table(rights, Table.ACTIVITY), _among(rights.c.OBJ_DSN, is_one))
    return select(rights.c.OBJ_DSN, rights.c.BEN_DSN).where(*mine)


@lru_cache(maxsize=32)
def rights_of(rights: SqlTable, table: Table) -> Select[Any]:
    """Return the SELECT of the rights list of one record, the parameter ``dsn``."""
    mine = (conditions.of_table(rights, table), rights.c.OBJ_DSN == bindparam("dsn", type_=rights.c.OBJ_DSN.type))
    found = select(rights.c.BEN_DSN, rights.c.GRP_DSN, rights.c.RECHT).where(*mine)
    return found.order_by(rights.c.BEN_DSN, rights.c.GRP_DSN)


def _among(column: ColumnElement[Any], is_one: bool) -> ColumnElement[bool]:
    if is_one:
        return column == bindparam("dsns", type_=column.type)
    return column.in_(bindparam("dsns", expanding=True))
