"""Deletes everything that the gateway stores of a login; FlowFact's tables are not touched."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.dav.store import collections, devices, tables
from radicale_flowfact.dav.store.session import Session


def erase(session: Session, login: str) -> dict[str, int]:
    """Delete what is stored of a login; return how many rows of which sort that were.

    It waits for writes of the login's devices that are in progress, so that nothing is left behind.
    """
    for collection in collections.find_all(session):
        if collection.login == login:
            collections.lock(session, login, collection.name)  # waits for a write that is in progress
    devices.lock(session, tables.device.c.login == login)  # and for notes of what devices fetched
    removed = {what: _count(session, table, mine) for what, table, mine in _parts(login)}
    for _, table, mine in _parts(login):
        session.connection.execute(delete(table).where(mine))
    return removed


def _parts(login: str) -> list[tuple[str, SqlTable, ColumnElement[bool]]]:
    """Return the rows of a login by sort; rows that refer to others come first."""
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
        ("addresses that he came from", tables.familiar, tables.familiar.c.login == login.strip().casefold()),
        ("history entries", tables.history, tables.history.c.login == login),
        ("collections", tables.collection, tables.collection.c.login == login),
    ]


def _count(session: Session, table: SqlTable, mine: ColumnElement[bool]) -> int:
    return session.connection.scalar(select(func.count()).select_from(table).where(mine)) or 0
