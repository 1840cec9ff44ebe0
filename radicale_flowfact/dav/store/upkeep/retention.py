"""Deletes from the gateway's tables what is older than ``history_days`` (see ``docs/en/operations.md``).

Of a deleted item its identity stays (href, UID, record), its texts do not. Rows are found by reading, and deleted in
batches, each in a short transaction that checks them again, so that no device waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select

from radicale_flowfact.dav.store import history
from radicale_flowfact.dav.store.deferred import familiar
from radicale_flowfact.dav.store.items import chunks
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.transactions import Transactions
from radicale_flowfact.dav.store.upkeep import aged, device_rows
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock

_Forget = Callable[[Session, Sequence[Row[Any]]], None]
_Step = tuple[Select[Any], _Forget]
_PAGE = 100_000
"""So many rows are found by one SELECT, so that the memory is bounded."""
_PAGES = 1_000  # at most, so that it ends whatever happens meanwhile


def forget_old(transactions: Transactions) -> None:
    """Delete old history, versions, texts of deleted items, devices and familiar addresses; what is served stays.

    Deletes nothing while the clock is in doubt.
    """
    with transactions.writing() as session:
        if not upkeep_clock.passes(session):
            return
        before, now = _before(session), session.utc
    for find, forget in (
        *_steps_of_items(before),
        *_steps_of_devices(before, now),
        (familiar.old(now), familiar.forget),
    ):
        _delete(transactions, find, forget)


def _delete(transactions: Transactions, find: Select[Any], forget: _Forget) -> None:
    """Delete what a SELECT finds, in batches of a transaction each."""
    for _ in range(_PAGES):
        with transactions.reading() as session:
            rows = session.connection.execute(find.limit(_PAGE)).all()
        for batch in chunks(rows):
            with transactions.writing() as session:
                forget(session, batch)
        if len(rows) < _PAGE:
            return


@dataclass(frozen=True, slots=True)
class Overdue:
    """So many rows of a sort are over their time, which is this many days, by more than two days."""

    count: int
    what: str
    days: int


def overdue(session: Session) -> list[Overdue]:
    """Return what is over its time, so that the upkeep failed to delete it; empty while the clock is in doubt."""
    if upkeep_clock.doubt(session) is not None:
        return []
    days, grace = session.settings.history_days, timedelta(days=2)
    before = _before(session) - grace
    named: list[tuple[str, Select[Any], int]] = [
        ("history entries", history.old(before), days),
        ("old versions of items", aged.old_versions(before), days),
        ("items that are gone, with their sidecars", aged.gone_with_text(before), days),
        ("items that are gone, with words to find them by", aged.gone_but_found(before), days),
        ("devices", device_rows.unseen(before), days),
        ("last syncs of devices", device_rows.old_syncs(before), days),
        ("addresses that logins came from", familiar.old(session.utc - grace), familiar.FAMILIAR_FOR.days),
    ]
    counted = ((select(func.count()).select_from(query.subquery()), what, days) for what, query, days in named)
    found = [Overdue(session.connection.scalar(count) or 0, what, days) for count, what, days in counted]
    return [one for one in found if one.count]


@dataclass(frozen=True, slots=True)
class Surplus:
    """So many rows of a login are over a bound; the upkeep did not delete them yet. ``what`` names sort and bound."""

    login: str
    count: int
    what: str


def surplus(session: Session) -> list[Surplus]:
    """Return what exceeds the bounds of a login's devices; empty while the clock is in doubt."""
    if upkeep_clock.doubt(session) is not None:
        return []
    counted = (
        (device_rows.surplus_by_login(), f"devices over the bound of {device_rows.MOST:,} for a login"),
        (
            device_rows.surplus_fetched_by_login(),
            f"fetched versions over the bound of {device_rows.MOST_FETCHED:,} for a device",
        ),
    )
    found = [Surplus(row[0], row[1], what) for query, what in counted for row in session.connection.execute(query)]
    return sorted(found, key=lambda one: (one.login, one.what))


def _before(session: Session) -> datetime:
    return session.utc - timedelta(days=session.settings.history_days)


def _steps_of_items(before: datetime) -> list[_Step]:
    """Return the SELECTs of what is to be deleted of items, each with the function that deletes it."""

    def entries(session: Session, rows: Sequence[Row[Any]]) -> None:
        history.forget(session, [row.id for row in rows], before)

    def versions(session: Session, rows: Sequence[Row[Any]]) -> None:
        aged.forget_versions(session, [(row.item_id, row.etag) for row in rows], before)

    def texts(session: Session, rows: Sequence[Row[Any]]) -> None:
        aged.forget_texts(session, [row[0] for row in rows], before)

    return [
        (history.old(before), entries),
        (aged.old_versions(before), versions),
        (aged.gone_with_text(before), texts),
        (aged.gone_but_found(before), texts),
    ]


def _steps_of_devices(before: datetime, now: datetime) -> list[_Step]:
    """Return the same for devices, in this order: versions before the device, the unused before the surplus."""
    steps: list[_Step] = []
    for found, since in ((device_rows.unseen(before), before), (device_rows.surplus(now), now)):
        steps += _steps_of_dropped(found, since)
    return [
        *steps,
        (device_rows.old_syncs(before), lambda session, rows: device_rows.forget_syncs(session, rows, before)),
        (device_rows.fetched_of_nothing(), device_rows.forget_fetched_of_nothing),
        (device_rows.surplus_fetched(), device_rows.forget_surplus_fetched),
    ]


def _steps_of_dropped(found: Select[int], since: datetime) -> list[_Step]:
    """Return the steps that delete devices, if they were not seen since a time (UTC)."""

    def versions(session: Session, rows: Sequence[Row[Any]]) -> None:
        device_rows.forget_fetched_by(session, rows, since)

    def drop(session: Session, rows: Sequence[Row[Any]]) -> None:
        device_rows.drop(session, [row.id for row in rows], since)

    return [(device_rows.fetched_by(found), versions), (found, drop)]
