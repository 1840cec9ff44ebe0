"""What the admin should know of devices: when each synced last, and whose writes were refused of late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from radicale_flowfact.agents import product, program
from radicale_flowfact.dav import collections, devices, tables
from radicale_flowfact.dav.devices import Sync
from radicale_flowfact.dav.session import Session


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """A device: a login with a program, whatever its version. ``synced``: collection to last sync (UTC).

    ``silent`` names the collections whose last sync is too long ago, with the days since.
    """

    login: str
    product: str
    synced: Mapping[str, datetime]
    silent: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many writes of a login were refused of late, and the last one."""

    login: str
    count: int
    last: datetime
    reason: str


def device_status(session: Session) -> list[DeviceStatus]:
    """Return the devices of the mapped logins. Two of the same program and login cannot be told apart."""
    grouped: dict[tuple[str, str], list[Sync]] = {}
    for sync in devices.syncs(session):
        if sync.login in session.settings.users:
            grouped.setdefault((sync.login, program(sync.agent)), []).append(sync)
    return [_device(session, login, found) for (login, _), found in sorted(grouped.items())]


def _device(session: Session, login: str, found: Sequence[Sync]) -> DeviceStatus:
    ordered = sorted(found, key=lambda sync: sync.synced)
    synced = {sync.name: sync.synced for sync in ordered}
    limit = timedelta(days=session.settings.status.warn_days)
    silent = {name: (session.utc - when).days for name, when in sorted(synced.items()) if session.utc - when >= limit}
    return DeviceStatus(login, product(ordered[-1].agent), dict(sorted(synced.items())), silent)


def without_device(session: Session) -> list[str]:
    """Return the mapped logins that no device ever synced with, as far as is still remembered."""
    return sorted(set(session.settings.users) - {sync.login for sync in devices.syncs(session)})


def not_mapped(session: Session) -> list[str]:
    """Return the logins that are not mapped, or belonged to another FlowFact user, whose data is still kept."""
    kept = {collection.login for collection in collections.find_all(session)}
    return sorted(kept - set(session.settings.users))


def refusals(session: Session) -> list[Refusals]:
    """Return whose writes were refused in the last ``warn_days``."""
    table = tables.history
    since = session.utc - timedelta(days=session.settings.status.warn_days)
    refused = (table.c.what == "refused", table.c.made >= since)
    counts = select(table.c.login, func.count(), func.max(table.c.id)).where(*refused).group_by(table.c.login)
    found = []
    for login, count, last in session.connection.execute(counts.order_by(table.c.login)).all():
        newest = select(table.c.made, table.c.reason).where(table.c.id == last)
        made, reason = session.connection.execute(newest).one()
        found.append(Refusals(login, count, made, reason))
    return found
