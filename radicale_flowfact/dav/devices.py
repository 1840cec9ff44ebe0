"""Which version of an item a device last saw.

A device is a login and a User-Agent. Some send no If-Match (Thunderbird's address book, Evolution); what they
changed can only be told by comparing with the newest version that they fetched (rule 26).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, insert, not_, select, update
from sqlalchemy.exc import IntegrityError

from radicale_flowfact.dav import tables
from radicale_flowfact.dav.items import chunks
from radicale_flowfact.dav.session import Name, Session
from radicale_flowfact.dav.tables import text_hash

_ATTEMPTS = 5


def device_id(session: Session, login: str, agent: str) -> int:
    """Return the device's number, giving it one when it is new."""
    found = _find(session, login, agent)
    if found is not None:
        return found
    row = {"login": login, "agent": agent, "agent_hash": text_hash(agent), "seen": session.utc}
    session.connection.execute(insert(tables.device).values(row))
    made = _find(session, login, agent)
    assert made is not None  # noqa: S101 - the row was just written in this transaction
    return made


def last_seen(session: Session, login: str, agent: str, item_id: int) -> str | None:
    """Return the ETag of the newest version of the item that this device fetched, or None."""
    found = _find(session, login, agent)
    if found is None:
        return None
    fetched = tables.fetched
    return session.connection.scalar(
        select(fetched.c.etag).where(fetched.c.device_id == found, fetched.c.item_id == item_id)
    )


def remember(session: Session, login: str, agent: str, versions: Mapping[int, str]) -> None:
    """Remember that the device now has these versions (item id to ETag).

    Phones send several requests at once, so another one may add the same rows in the same moment.
    """
    _again(session, lambda: _remember(session, login, agent, versions))


def synced(session: Session, login: str, agent: str, names: Iterable[Name]) -> None:
    """Remember that the device heard now of what is new in these collections."""
    _again(session, lambda: _synced(session, login, agent, names))


def _again(session: Session, write: Callable[[], None]) -> None:
    """Write; once more if another request added the same rows in the same moment."""
    for attempt in range(_ATTEMPTS):
        try:
            with session.connection.begin_nested():
                write()
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _synced(session: Session, login: str, agent: str, names: Iterable[Name]) -> None:
    device, table = device_id(session, login, agent), tables.device_sync
    session.connection.execute(update(tables.device).where(tables.device.c.id == device).values(seen=session.utc))
    for name in sorted(names):
        mine = (table.c.device_id == device, table.c.name == name.value)
        if session.connection.execute(update(table).where(*mine).values(synced=session.utc)).rowcount == 0:
            row = {"device_id": device, "name": name.value, "synced": session.utc}
            session.connection.execute(insert(table).values(row))


def _remember(session: Session, login: str, agent: str, versions: Mapping[int, str]) -> None:
    device = device_id(session, login, agent)
    _seen(session, device)
    fetched = tables.fetched
    known: dict[int, str] = {}
    for chunk in chunks(sorted(versions)):
        rows = session.connection.execute(
            select(fetched.c.item_id, fetched.c.etag).where(fetched.c.device_id == device, fetched.c.item_id.in_(chunk))
        )
        known |= {row.item_id: row.etag for row in rows}
    unknown = _existing(session, [item_id for item_id in sorted(versions) if item_id not in known])
    new = [{"device_id": device, "item_id": item_id, "etag": versions[item_id]} for item_id in unknown]
    if new:
        session.connection.execute(insert(fetched), new)
    newer = [
        {"this_item": item_id, "new_etag": etag}
        for item_id, etag in sorted(versions.items())
        if item_id in known and known[item_id] != etag
    ]
    if newer:
        mine = (fetched.c.device_id == device, fetched.c.item_id == bindparam("this_item"), not_(_is_older()))
        session.connection.execute(update(fetched).where(*mine).values(etag=bindparam("new_etag")), newer)


def _existing(session: Session, ids: Sequence[int]) -> list[int]:
    """Return which of these items there are still, in one order, so that no two devices' writes wait for each other."""
    found: list[int] = []
    for chunk in chunks(ids):
        found += session.connection.scalars(select(tables.item.c.id).where(tables.item.c.id.in_(chunk)))
    return sorted(found)


def _seen(session: Session, device: int) -> None:
    """Remember that a device was there today, so that it is not forgotten though it never asks what is new."""
    table = tables.device
    long_ago = (table.c.id == device, table.c.seen < session.utc - timedelta(days=1))
    session.connection.execute(update(table).where(*long_ago).values(seen=session.utc))


@dataclass(frozen=True, slots=True)
class Sync:
    """When a device, by its User-Agent, last heard of a collection (UTC)."""

    login: str
    agent: str
    name: str
    synced: datetime


def syncs(session: Session) -> list[Sync]:
    """Return the last sync of every device and collection, by login, User-Agent and collection."""
    device, sync = tables.device.c, tables.device_sync.c
    query = select(device.login, device.agent, sync.name, sync.synced).join_from(
        tables.device, tables.device_sync, device.id == sync.device_id
    )
    return [Sync(*row) for row in session.connection.execute(query.order_by(device.login, device.agent, sync.name))]


def forget(session: Session, before: datetime) -> None:
    """Drop the devices that were not seen since a moment (UTC), and what they had."""
    old = select(tables.device.c.id).where(tables.device.c.seen < before)
    for table in (tables.fetched, tables.device_sync):
        session.connection.execute(delete(table).where(table.c.device_id.in_(old)))
    session.connection.execute(delete(tables.device_sync).where(tables.device_sync.c.synced < before))
    session.connection.execute(delete(tables.device).where(tables.device.c.seen < before))


def _is_older() -> ColumnElement[bool]:
    """Return whether a version was made before the one that is remembered: a process that writes late must not tell.

    What a device fetches is served then, so the later it fetched a version, the later that was made.
    """
    fetched, told, known = tables.fetched.c, tables.version.alias("told"), tables.version.alias("known")
    return exists(
        select(known.c.item_id)
        .join(told, and_(told.c.item_id == known.c.item_id, told.c.etag == bindparam("new_etag")))
        .where(known.c.item_id == fetched.item_id, known.c.etag == fetched.etag, told.c.made < known.c.made)
        .correlate(tables.fetched)
    )


def _find(session: Session, login: str, agent: str) -> int | None:
    device = tables.device
    return session.connection.scalar(
        select(device.c.id).where(device.c.login == login, device.c.agent_hash == text_hash(agent))
    )
