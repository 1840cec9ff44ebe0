"""Reads when each device synced last, and whose writes were refused recently, for ``status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, cast, func, select

from radicale_flowfact.dav.store import collections, devices, tables
from radicale_flowfact.dav.store.devices import Sync
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.user_agents import product


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """A device: a login with a program, whatever its version. ``synced``: last sync by collection (UTC).

    ``silent``: the collections whose last sync is at least ``warn_days`` ago, with the days since.
    """

    login: str
    product: str
    synced: Mapping[str, datetime]
    silent: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many writes of a login were refused in the last ``warn_days``; time (UTC) and reason of the last one."""

    login: str
    count: int
    last: datetime
    reason: str


def device_status(session: Session) -> list[DeviceStatus]:
    """Return the devices of the mapped logins; two of the same login and program count as one."""
    grouped: dict[tuple[str, str], list[Sync]] = {}
    for sync in devices.syncs(session):
        if sync.login in session.settings.users:
            grouped.setdefault((sync.login, sync.identity), []).append(sync)
    return [_device(session, login, found) for (login, _), found in sorted(grouped.items())]


def _device(session: Session, login: str, found: Sequence[Sync]) -> DeviceStatus:
    ordered = sorted(found, key=lambda sync: sync.synced)
    synced = {sync.name: sync.synced for sync in ordered}
    limit = timedelta(days=session.settings.status.warn_days)
    silent = {name: (session.utc - when).days for name, when in sorted(synced.items()) if session.utc - when >= limit}
    return DeviceStatus(login, product(ordered[-1].agent), dict(sorted(synced.items())), silent)


def without_device(session: Session) -> list[str]:
    """Return the mapped logins without a device, as far as devices are still stored."""
    return sorted(set(session.settings.users) - {sync.login for sync in devices.syncs(session)})


def not_mapped(session: Session) -> list[str]:
    """Return the logins that are not mapped, or belonged to another FlowFact user, with data still stored."""
    kept = {collection.login for collection in collections.find_all(session)}
    return sorted(kept - set(session.settings.users))


def refusals(session: Session) -> list[Refusals]:
    """Return the refused writes of the last ``warn_days`` by login."""
    table = tables.history
    since = session.utc - timedelta(days=session.settings.status.warn_days)
    refused = (table.c.what == "refused", table.c.made >= since)
    counts = (
        select(table.c.login, func.sum(cast(table.c.repeats + 1, BigInteger)), func.max(table.c.made))
        .where(*refused)
        .group_by(table.c.login)
    )
    found = []
    for login, count, last in session.connection.execute(counts.order_by(table.c.login)).all():
        newest = select(table.c.reason).where(*refused, table.c.login == login, table.c.made == last)
        reason = session.connection.execute(newest.order_by(table.c.id.desc())).scalars().first() or ""
        found.append(Refusals(login, int(count), last, reason))
    return found
