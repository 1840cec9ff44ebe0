"""Removes everything that the gateway keeps of a login; FlowFact's tables are not touched."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.dav import collections, tables
from radicale_flowfact.dav.session import Session


def erase(session: Session, login: str) -> dict[str, int]:
    """Remove what is kept of a login; return how many rows of what that were."""
    for collection in collections.find_all(session):
        if collection.login == login:
            collections.lock(session, login, collection.name)  # a device that writes just now comes before or after
    removed = {what: _count(session, table, mine) for what, table, mine in _parts(login)}
    for _, table, mine in _parts(login):
        session.connection.execute(delete(table).where(mine))
    return removed


def _parts(login: str) -> list[tuple[str, SqlTable, ColumnElement[bool]]]:
    """Return what there is of a login, that which hangs on others first."""
    own: Select[int] = select(tables.collection.c.id).where(tables.collection.c.login == login)
    items: Select[int] = select(tables.item.c.id).where(tables.item.c.collection_id.in_(own))
    devices: Select[int] = select(tables.device.c.id).where(tables.device.c.login == login)
    fetched = tables.fetched.c
    return [
        ("words to find contacts by", tables.search, tables.search.c.collection_id.in_(own)),
        ("versions of items", tables.version, tables.version.c.item_id.in_(items)),
        ("versions on devices", tables.fetched, fetched.device_id.in_(devices) | fetched.item_id.in_(items)),
        ("last syncs", tables.device_sync, tables.device_sync.c.device_id.in_(devices)),
        ("devices", tables.device, tables.device.c.login == login),
        ("items", tables.item, tables.item.c.collection_id.in_(own)),
        ("journal entries", tables.journal, tables.journal.c.collection_id.in_(own)),
        ("history entries", tables.history, tables.history.c.login == login),
        ("collections", tables.collection, tables.collection.c.login == login),
    ]


def _count(session: Session, table: SqlTable, mine: ColumnElement[bool]) -> int:
    return session.connection.scalar(select(func.count()).select_from(table).where(mine)) or 0
