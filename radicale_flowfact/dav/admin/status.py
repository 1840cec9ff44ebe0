"""What the admin should know: safety stops, records that cannot be shown fully, items that only devices have."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import func, select

from radicale_flowfact.dav import collections, items, tables
from radicale_flowfact.dav.collections import CONFIRMED
from radicale_flowfact.dav.items import Item
from radicale_flowfact.dav.session import Session


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """One collection. ``stop``: the safety stop in words, or empty; the lists hold items of note."""

    login: str
    name: str
    items: int
    changes: int
    stop: str
    faulty: tuple[Item, ...]
    device_only: tuple[Item, ...]


def status(session: Session) -> list[CollectionStatus]:
    """Return the status of every collection that was ever opened."""
    found = []
    for collection in collections.find_all(session):
        table = tables.item
        mine = (table.c.collection_id == collection.id, table.c.live == True)  # noqa: E712
        count = session.connection.scalar(select(func.count()).select_from(table).where(*mine)) or 0
        noted = items.noted(session, collection.id)
        found.append(
            CollectionStatus(
                collection.login,
                collection.name.value,
                count,
                collection.number,
                _stop(collection.stopped),
                tuple(item for item in noted if item.fault),
                tuple(item for item in noted if item.device_only),
            )
        )
    return found


def confirm(session: Session, login: str) -> list[str]:
    """Let what the safety stop holds back go at the next look (rule 30); return the collections concerned.

    Only as many items as it tells of now: a database that loses more meanwhile is stopped again.
    """
    released = []
    for collection in collections.find_all(session):
        if collection.login == login and collection.is_held:
            locked = collections.lock(session, login, collection.name)
            if locked.is_held:
                vanish = json.loads(locked.stopped)["vanish"]
                collections.save(session, locked, {"stopped": f"{CONFIRMED} {vanish}"})
                released.append(collection.name.value)
    return released


def _stop(stopped: str) -> str:
    if not stopped:
        return ""
    if stopped.startswith(CONFIRMED):
        return "confirmed, goes on at the next look"
    found = json.loads(stopped)
    return f"since {found['since']}: {found['vanish']} of {found['of']} items would vanish; nothing is removed"
