"""Finds the item that a PUT addresses: by its href, else by its UID, else a new one (rule 15).

A UID or href that this user never had is attached to no record: guessing one would open a colleague's record.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from sqlalchemy import delete

from radicale_flowfact.dav.store import items, tables
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Gone, Item, device_name
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name, Session

_UUID = re.compile(r"(?:urn:uuid:)*([0-9a-f-]{36})", re.IGNORECASE)


def target(session: Session, collection: Collection, here: Item | None, uid: str) -> Item | None:
    """Return the item, live or not, that a PUT of ``uid`` addresses; None for a new one.

    ``here``: what the href named before. Raises RefusedError (409, ``no-uid-conflict``: RFC 4791 §5.3.2.1, RFC 6352
    §6.3.2.1) if the UID belongs to another href, or the href to another UID.
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


def is_same_uid(one: str, other: str) -> bool:
    """Return whether two UIDs are the same, also as a bare UUID and as a URN (rule 44).

    vCard 3.0 has a UUID alone, 4.0 as ``urn:uuid:``; some programs add that twice.
    """
    first, second = _UUID.fullmatch(one), _UUID.fullmatch(other)
    return one == other or (first is not None and second is not None and first[1].lower() == second[1].lower())


def new_item(collection: Collection, href: str, uid: str) -> Item:
    """Return an item that the device makes, with its href and UID byte for byte.

    Its id is assigned with its journal entry.
    """
    return Item(0, collection.id, href, uid, device_name(uid))


def tombstone(item: Item, item_id: int) -> Item:
    """Return a deleted item for the old href of an item that came back under another one.

    It announces to the other devices that the old href is gone.
    """
    name = f"-:{secrets.token_hex(16)}"
    return replace(
        item, id=item_id, uid="", record=name, dsn=None, sums="", live=False, hidden=False, gone_by=Gone.USER
    )


def _conflict(collection: Collection, reason: str) -> RefusedError:
    space = "CR" if collection.name is Name.ADDRESSES else "C"
    return RefusedError(reason, 409, f"{space}:no-uid-conflict")
