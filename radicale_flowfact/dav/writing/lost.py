"""Finds the record of a contact whose item was lost, because the gateway's tables alone were restored (rule 14).

A device that does not know that its contact was stored sends it again; without this it would become a second record.
"""

from __future__ import annotations

from datetime import timedelta

from radicale_flowfact.actions import CreateRecord, SetPhone
from radicale_flowfact.crm import reads
from radicale_flowfact.dav.reading import rendering
from radicale_flowfact.dav.reading.refresh import member_of
from radicale_flowfact.dav.store import history, items
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Item, record_name
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.writing.creating import Creation
from radicale_flowfact.records import Address, RecordKey, Table, User, dsn_key


def record_of(session: Session, collection: Collection, user: User, made: Creation) -> RecordKey | None:
    """Return the address that means the same as the planned record, if its item was lost; else None.

    It has the preferred Kennung, this user created it within ``history_days``, it is in his scope, and neither an item
    nor the history knows that a device made it.
    """
    if not made.taken:
        return None
    since = session.now - timedelta(days=session.settings.history_days)
    dsns = reads.made_by(session.connection, session.tables, made.taken, user, since)
    for dsn in dsns:
        name = record_name(Table.ADDRESS, dsn)
        item = items.by_record(session, collection.id, name)
        known = item is not None and not _is_from_flowfact(item)
        if known or history.knows(session, collection.login, name) or not _is_alike(session, user, dsn, made):
            continue
        if member_of(session, Name.ADDRESSES, user, dsn) is not None:
            return RecordKey(Table.ADDRESS, dsn)
    return None


def _is_from_flowfact(item: Item) -> bool:
    """Return whether the item was made by a comparison with FlowFact, not by a device."""
    return item.uid.startswith(f"flowfact-{Table.ADDRESS.value.lower()}-")


def _is_alike(session: Session, user: User, dsn: str, made: Creation) -> bool:
    """Return whether an address has exactly the values that would be written, except its Kennung."""
    found = rendering.read(session, Name.ADDRESSES, user, [dsn]).get(dsn_key(dsn))
    if not isinstance(found, Address):
        return False
    wanted = {
        name: value for action in made.actions if isinstance(action, CreateRecord) for name, value in action.fields
    }
    wanted.pop("identifier", None)
    numbers = {action.position: action.after for action in made.actions if isinstance(action, SetPhone)}
    has = {phone.position: phone.number for phone in found.phones if phone.number.strip()}
    return numbers == has and all((getattr(found, name) or "") == (value or "") for name, value in wanted.items())
