"""Reads safety stops, records that cannot be shown fully, and device-only items, for ``status``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from radicale_flowfact.dav.reading import rendering, safety_stop
from radicale_flowfact.dav.store import collections, items, tables
from radicale_flowfact.dav.store.collections import CONFIRMED, Collection
from radicale_flowfact.dav.store.items import Item
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.language.texts import shown_time
from radicale_flowfact.records import User


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """One collection. ``changes``: its journal number; ``stop``: the safety stop in words, or empty.

    ``has_other_settings``: its items were made with other settings than this gateway's. ``faulty`` and ``device_only``:
    live items to name.
    """

    login: str
    name: str
    items: int
    changes: int
    stop: str
    has_other_settings: bool
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
                _stop(collection.stopped, session.settings.zone),
                _has_other_settings(session, collection),
                tuple(item for item in noted if item.fault),
                tuple(item for item in noted if item.device_only),
            )
        )
    return found


def _has_other_settings(session: Session, collection: Collection) -> bool:
    """Return whether the items were made with another timezone, subject, location or phone_slots than these."""
    user = User(collection.owner, name="", login="", active=True, own_merkmal=None)
    return collection.basis not in ("", rendering.basis(session, collection.name, user))


def confirm(session: Session, login: str) -> list[str]:
    """Release the safety stop of a login's collections; return those concerned (rule 30).

    At most as many items as it names now are removed at the next comparison. A database that loses more meanwhile is
    stopped again.
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


def _stop(stopped: str, zone: ZoneInfo) -> str:
    """Return the safety stop in words, with its time in the office's zone; empty if there is none."""
    if not stopped:
        return ""
    if stopped.startswith(CONFIRMED):
        return "confirmed, goes on at the next look"
    found = json.loads(stopped)
    since = datetime.strptime(found["since"], safety_stop.SINCE).replace(tzinfo=UTC).astimezone(zone)
    if gone := found.get("gone", 0):
        held = f"{found['vanish']} of {found['of']} items would vanish, beside {gone} that did within a day"
    else:
        held = f"{found['vanish']} of {found['of']} items would vanish"
    return f"since {shown_time(since)}: {held}; none of them is removed"
