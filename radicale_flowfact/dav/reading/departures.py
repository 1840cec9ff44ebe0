"""Decides for each item that left the scope who took it off the devices (rules 4, 15 and 30)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta

from radicale_flowfact.crm import scope
from radicale_flowfact.dav.reading import rendering
from radicale_flowfact.dav.store import collections, items
from radicale_flowfact.dav.store.items import Gone, Item, chunks
from radicale_flowfact.dav.store.journal import Entry
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.transactions import Transactions
from radicale_flowfact.records import User, dsn_key

_KEPT = timedelta(days=1)  # so that the device has synced since
_ZONES = timedelta(days=1)  # an item's end is a moment, FlowFact's a local time


def gone_by(session: Session, name: Name, user: User, vanished: Sequence[Item]) -> dict[int, Gone]:
    """Return by id who took off each of these items; items that devices do not have are left out.

    ``WINDOW``: the record would still be in scope without the window of the past. For an appointment, its end as the
    devices have it must have passed the window, too: what the office moved into the past was taken off by the office.
    """
    live = [item for item in vanished if item.live and item.dsn]
    aged = {item.id for item in live if _may_have_aged(session, name, item)}
    kept = would_be_shown(session, name, user, [item.dsn or "" for item in live if item.id in aged])
    by_window = {item.id for item in live if item.id in aged and dsn_key(item.dsn or "") in kept}
    return {item.id: Gone.WINDOW if item.id in by_window else Gone.OFFICE for item in live}


def would_be_shown(session: Session, name: Name, user: User, dsns: Sequence[str]) -> set[str]:
    """Return which of the records would be in scope without the window of the past, as ``dsn_key``."""
    if rendering.past_limit(session) is None:
        return set()
    found: set[str] = set()
    for chunk in chunks(sorted(dsns)):
        found |= scope.among(session.connection, rendering.scope_of_all_times(session, name, user), chunk)
    return found


def let_go(transactions: Transactions) -> None:
    """Remove what devices moved out of the window of the past themselves, a day after they did (rule 4).

    One transaction for each collection concerned.
    """
    with transactions.reading() as session:
        concerned = {item.collection_id for item in items.leaving(session, session.utc - _KEPT)}
        found = [one for one in collections.find_all(session) if one.id in concerned] if concerned else []
    for one in found:
        with transactions.writing() as session:
            entry = Entry(session, collections.lock(session, one.login, one.name))
            for item in items.leaving(session, session.utc - _KEPT):
                if item.collection_id == one.id:
                    entry.change(entry.departed(item, Gone.WINDOW))
            entry.write()


def _may_have_aged(session: Session, name: Name, item: Item) -> bool:
    limit = rendering.past_limit(session)
    if limit is None or name is not Name.APPOINTMENTS:
        return limit is not None
    return item.ends <= (limit + _ZONES).replace(tzinfo=UTC).timestamp()
