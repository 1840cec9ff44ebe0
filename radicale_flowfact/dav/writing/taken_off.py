"""Refuses a PUT for what the office took off its user's devices, and lets the device drop it (rule 15)."""

from __future__ import annotations

from dataclasses import replace

from radicale_flowfact.crm import scope
from radicale_flowfact.dav.reading import departures
from radicale_flowfact.dav.store import items
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Gone, Item
from radicale_flowfact.dav.store.journal import Entry
from radicale_flowfact.dav.store.request import TakenOffError
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.writing import identity
from radicale_flowfact.records import User, dsn_key


def require_own(session: Session, name: Name, user: User, item: Item | None) -> None:
    """Raise TakenOffError (412) for a deleted item that the office took off the user's devices.

    A PUT brings back what the user deleted or hid himself, unless the office archived, deleted or closed the record
    since; and what left by the window of the past, unless it would be out of scope without the window, too.
    """
    if item is None or item.live or item.key is None:
        return
    if item.gone_by == Gone.USER:
        is_his = scope.is_open(session.connection, session.tables, item.key, user)
    else:
        shown = departures.would_be_shown(session, name, user, [item.key.dsn])
        is_his = item.gone_by == Gone.WINDOW and dsn_key(item.key.dsn) in shown
    if not is_his:
        raise TakenOffError(item.uid)


def announce(session: Session, collection: Collection, href: str, uid: str) -> None:
    """Announce once more that the item with this UID is gone, and that there is none at the refused href.

    Otherwise the device that sent it keeps it: what it has under a new href, the journal never named.
    """
    here, item = items.at(session, collection.id, href), items.by_uid(session, collection.id, uid)
    entry = Entry(session, collection)
    if item is not None and not item.live:
        entry.change(entry.announced(item))
        if here is None:
            entry.add(entry.announced(replace(identity.tombstone(item, entry.new_id()), href=href)))
    if here is not None and here.uid == "":
        entry.change(entry.announced(here))
    entry.write()
