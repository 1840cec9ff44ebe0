"""What the daily upkeep deletes of devices and of what they fetched (rule 43).

Devices that were not seen for ``history_days`` go, and what exceeds the bounds; what was not used for longest goes
first. Rows are found by a SELECT, in the order in which requests write them, so that no two wait for each other; each
batch of them is deleted in a transaction that checks them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Delete, Select, Subquery, and_, bindparam, delete, exists, func, not_, select

from radicale_flowfact.dav.store import devices, tables
from radicale_flowfact.dav.store.session import Session

MOST = 100
"""So many devices are known of a login; the upkeep forgets those beyond that were not seen for the longest time."""
MOST_FETCHED = 100_000
"""So many versions are known of a device; the upkeep forgets those of the lowest numbers beyond."""
Rows = Sequence[Any]
"""Rows of one of the SELECTs here."""
_device, _sync, _fetched = tables.device.c, tables.device_sync.c, tables.fetched.c
_KEY = (_fetched.device_id, _fetched.item_id, _fetched.etag)
_IS_KEPT = exists().where(tables.version.c.item_id == _fetched.item_id, tables.version.c.etag == _fetched.etag)
_THIS = and_(
    _fetched.device_id == bindparam("device"),
    _fetched.item_id == bindparam("item"),
    _fetched.etag == bindparam("version"),
)
_FORGET = delete(tables.fetched).where(_THIS)
_FORGET_UNLESS_NEWER = _FORGET.where(_fetched.number <= bindparam("found"))
_FORGET_UNLESS_KEPT = _FORGET.where(not_(_IS_KEPT))
_FORGET_SYNC = delete(tables.device_sync).where(
    _sync.device_id == bindparam("device"), _sync.name == bindparam("collection"), _sync.synced < bindparam("before")
)


def unseen(since: datetime) -> Select[int]:
    """Return the SELECT of the ids of devices that were not seen since a time (UTC)."""
    return select(_device.id).where(_device.seen < since)


def surplus(since: datetime) -> Select[int]:
    """Return the SELECT of the ids of devices beyond the bound of their login that were not seen since a time (UTC)."""
    ranked = _ranked_devices()
    return select(ranked.c.id).where(ranked.c.place > MOST, ranked.c.seen < since)


def surplus_by_login() -> Select[str, int]:
    """Return the SELECT of logins with more devices than the bound, and how many are beyond."""
    ranked = _ranked_devices()
    return select(ranked.c.login, func.count()).where(ranked.c.place > MOST).group_by(ranked.c.login)


def surplus_fetched() -> Select[Any]:
    """Return the SELECT of versions (device, item, ETag, number) beyond the bound of their device."""
    ranked = _ranked_versions()
    columns = (ranked.c.device_id, ranked.c.item_id, ranked.c.etag, ranked.c.number)
    return select(*columns).where(ranked.c.place > MOST_FETCHED).order_by(*columns[:3])


def surplus_fetched_by_login() -> Select[str, int]:
    """Return the SELECT of logins whose devices have more versions than the bound, and how many are beyond."""
    ranked = _ranked_versions()
    of_device = select(_device.login, func.count()).join_from(tables.device, ranked, ranked.c.device_id == _device.id)
    return of_device.where(ranked.c.place > MOST_FETCHED).group_by(_device.login)


def fetched_by(found: Select[int]) -> Select[Any]:
    """Return the SELECT of the versions (device, item, ETag) of devices that a SELECT finds."""
    return select(*_KEY).where(_fetched.device_id.in_(found)).order_by(*_KEY)


def fetched_of_nothing() -> Select[Any]:
    """Return the SELECT of versions (device, item, ETag) whose text is no longer stored."""
    return select(*_KEY).where(not_(_IS_KEPT)).order_by(*_KEY)


def old_syncs(before: datetime) -> Select[Any]:
    """Return the SELECT of last syncs (device, collection) before a time (UTC)."""
    return select(_sync.device_id, _sync.name).where(_sync.synced < before)


def forget_fetched_by(session: Session, rows: Rows, since: datetime) -> None:
    """Delete these versions of devices that were not seen since a time (UTC); a device that came back keeps them."""
    mine = set(_locked(session, {row.device_id for row in rows}, since))
    _execute(session, _FORGET, [_key(row) for row in rows if row.device_id in mine])


def forget_surplus_fetched(session: Session, rows: Rows) -> None:
    """Delete these versions; one that was fetched again since they were found stays."""
    _execute(session, _FORGET_UNLESS_NEWER, [{**_key(row), "found": row.number} for row in rows])


def forget_fetched_of_nothing(session: Session, rows: Rows) -> None:
    """Delete these versions; one whose text was stored again since they were found stays."""
    _execute(session, _FORGET_UNLESS_KEPT, [_key(row) for row in rows])


def forget_syncs(session: Session, rows: Rows, before: datetime) -> None:
    """Delete these last syncs; one that was renewed since they were found stays."""
    keys = [{"device": row.device_id, "collection": row.name, "before": before} for row in rows]
    _execute(session, _FORGET_SYNC, keys)


def drop(session: Session, ids: Sequence[int], since: datetime) -> None:
    """Delete devices that were not seen since a time (UTC), whose versions are deleted already, and their syncs."""
    mine = _locked(session, set(ids), since)
    has_versions = exists().where(_fetched.device_id == _device.id)
    empty = session.connection.scalars(select(_device.id).where(_device.id.in_(mine), not_(has_versions))).all()
    session.connection.execute(delete(tables.device_sync).where(_sync.device_id.in_(empty)))
    session.connection.execute(delete(tables.device).where(_device.id.in_(empty)))


def _locked(session: Session, ids: set[int], since: datetime) -> Sequence[int]:
    """Return which of these devices were not seen since a time (UTC); their rows are locked.

    A request of such a device waits at its row before it writes what it fetched, and then finds a new one.
    """
    which = and_(_device.id.in_(sorted(ids)), _device.seen < since)
    devices.lock(session, which)
    return session.connection.scalars(select(_device.id).where(which)).all()


def _key(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row of a SELECT here
    return {"device": row.device_id, "item": row.item_id, "version": row.etag}


def _execute(session: Session, statement: Delete, rows: Sequence[dict[str, object]]) -> None:
    if rows:
        session.connection.execute(statement, rows)


def _ranked_devices() -> Subquery:
    """Return the devices with their place among those of their login, from 1, the one seen last first."""
    newest = (_device.seen.desc(), _device.id.desc())
    place = func.row_number().over(partition_by=_device.login, order_by=newest)
    return select(_device.id, _device.login, _device.seen, place.label("place")).subquery()


def _ranked_versions() -> Subquery:
    """Return the versions of devices over their bound with their place, from 1, the one of the highest number first."""
    full = select(_fetched.device_id).group_by(_fetched.device_id).having(func.count() > MOST_FETCHED)
    newest = (_fetched.number.desc(), _fetched.item_id, _fetched.etag)
    place = func.row_number().over(partition_by=_fetched.device_id, order_by=newest)
    columns = (*_KEY, _fetched.number, place.label("place"))
    return select(*columns).where(_fetched.device_id.in_(full)).subquery()
