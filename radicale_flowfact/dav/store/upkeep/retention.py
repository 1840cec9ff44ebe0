"""Deletes from the gateway's tables what is older than ``history_days`` (see ``docs/en/operations.md``).

Of a deleted item its identity stays (href, UID, record), its texts do not. Rows are found by reading, and deleted in
batches, each in a short transaction that checks them again, so that no device waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from radicale_flowfact.dav.store import devices, history
from radicale_flowfact.dav.store.deferred import familiar
from radicale_flowfact.dav.store.items import chunks
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.transactions import Transactions
from radicale_flowfact.dav.store.upkeep import aged
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock

_Forget = Callable[[Session, Sequence[Any], datetime], None]


def forget_old(transactions: Transactions) -> None:
    """Delete old history, versions, texts of deleted items, and devices; what is still served stays.

    Deletes nothing while the clock is in doubt.
    """
    with transactions.writing() as session:
        if not upkeep_clock.passes(session):
            return
    with transactions.reading() as session:
        before = _before(session)
        found = [(session.connection.execute(query).all(), forget) for query, forget in _steps(before)]
    for rows, forget in found:
        for batch in chunks(rows):
            with transactions.writing() as session:
                forget(session, batch, before)
    with transactions.writing() as session:
        devices.forget(session, before)
        familiar.forget(session)


def overdue(session: Session) -> dict[str, int]:
    """Return how many rows of each sort are over their time by more than two days: the upkeep did not delete them.

    Empty while the clock is in doubt, as the upkeep waits then.
    """
    if upkeep_clock.doubt(session) is not None:
        return {}
    before = _before(session) - timedelta(days=2)
    named = {
        "history entries": history.old(before),
        "old versions of items": aged.old_versions(before),
        "items that are gone, with their sidecars": aged.gone_with_text(before),
        "items that are gone, with words to find them by": aged.gone_but_found(before),
    }
    counted = {what: select(func.count()).select_from(query.subquery()) for what, query in named.items()}
    counts = {what: session.connection.scalar(query) or 0 for what, query in counted.items()}
    return {what: count for what, count in counts.items() if count}


def _before(session: Session) -> datetime:
    return session.utc - timedelta(days=session.settings.history_days)


def _steps(before: datetime) -> list[tuple[Select[Any], _Forget]]:
    """Return the SELECTs of what is to be deleted, each with the function that deletes it."""

    def versions(session: Session, rows: Sequence[Any], before: datetime) -> None:
        aged.forget_versions(session, [(row.item_id, row.etag) for row in rows], before)

    def texts(session: Session, rows: Sequence[Any], before: datetime) -> None:
        aged.forget_texts(session, [row[0] for row in rows], before)

    def entries(session: Session, rows: Sequence[Any], before: datetime) -> None:
        history.forget(session, [row.id for row in rows], before)

    return [
        (history.old(before), entries),
        (aged.old_versions(before), versions),
        (aged.gone_with_text(before), texts),
        (aged.gone_but_found(before), texts),
    ]
