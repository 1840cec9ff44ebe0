"""Which item a PUT means: by its href, else by its UID, else a new one (rule 15).

A UID or href that this user never had attaches to nothing: a guessed one would open a colleague's record.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from sqlalchemy import delete

from radicale_flowfact.dav import items, tables
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.items import Item, device_name
from radicale_flowfact.dav.request import RefusedError
from radicale_flowfact.dav.session import Name, Session


def target(session: Session, collection: Collection, here: Item | None, uid: str) -> Item | None:
    """Return the item, live or not, that a PUT of ``uid`` to the href of ``here`` means; None for a new one.

    Raises RefusedError (409) when the UID belongs to another href, or the href to another UID.
    """
    if here is not None and here.uid == "":
        session.connection.execute(delete(tables.item).where(tables.item.c.id == here.id))
        here = None
    if here is not None:
        if here.uid != uid:
            raise _conflict(collection, "another UID belongs to this href")
        return here
    elsewhere = items.by_uid(session, collection.id, uid)
    if elsewhere is None:
        return None
    if elsewhere.live:
        raise _conflict(collection, "this UID belongs to another href")
    return elsewhere


def new_item(collection: Collection, href: str, uid: str) -> Item:
    """Return an item that the device made: its UID and href, byte for byte. Its id comes with its journal entry."""
    return Item(0, collection.id, href, uid, device_name(uid))


def tombstone(item: Item, item_id: int) -> Item:
    """Return what stands for the old href of an item that came back under another: gone, for the other devices."""
    name = f"-:{secrets.token_hex(16)}"
    return replace(item, id=item_id, uid="", record=name, dsn=None, sums="", live=False, hidden=False)


def _conflict(collection: Collection, reason: str) -> RefusedError:
    space = "CR" if collection.name is Name.ADDRESSES else "C"
    return RefusedError(reason, 409, f"{space}:no-uid-conflict")
