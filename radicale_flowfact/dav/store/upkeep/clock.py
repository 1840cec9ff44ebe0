"""Detects a clock that jumped ahead, so that the daily upkeep does not delete what is only seemingly old."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.session import Session

_FARTHEST = timedelta(days=7)
"""The upkeep runs daily, and when the gateway starts; a longer pause is as likely a clock that is wrong."""
_RUNNING_ON = timedelta(days=3)
"""So long the upkeep waits before it believes the clock; enough for an admin to see it."""
_STEADY = timedelta(days=2)
"""Between two looks; a longer one is another jump, and the waiting begins anew."""
_logger = logging.getLogger("radicale")
_ROW = 1
_FIND = select(tables.upkeep.c.ran, tables.upkeep.c.looked, tables.upkeep.c.doubted).where(tables.upkeep.c.id == _ROW)
_INSERT = insert(tables.upkeep)
_UPDATE = update(tables.upkeep).where(tables.upkeep.c.id == _ROW)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A clock that seems wrong: ``ran``: the last upkeep, ``since``: the first doubt; UTC, without zone."""

    ran: datetime
    since: datetime


def passes(session: Session) -> bool:
    """Return whether the upkeep may delete what is old by this clock; store the time of this check.

    It may if the last upkeep is at most seven days ago, or the clock ran on steadily for three days since the doubt.
    """
    row = session.connection.execute(_FIND).one_or_none()
    ran = row.ran if row else _newest(session)
    is_steady = row is not None and row.doubted is not None and row.doubted <= session.utc <= row.looked + _STEADY
    doubted = row.doubted if row is not None and is_steady else session.utc
    if session.utc - ran <= _FARTHEST or session.utc - doubted >= _RUNNING_ON:
        _keep(session, session.utc, None, is_new=row is None)
        return True
    _keep(session, ran, doubted, is_new=row is None)
    _logger.error(
        "The clock shows %s UTC, and the upkeep ran last at %s UTC: nothing is dropped before the clock ran on for %d "
        "days, or somebody says that it is right: radicale-flowfact confirm --clock",
        *(f"{session.utc:%Y-%m-%d %H:%M}", f"{ran:%Y-%m-%d %H:%M}", _RUNNING_ON.days),
    )
    return False


def doubt(session: Session) -> Doubt | None:
    """Return the doubt for which the upkeep deletes nothing now, or None."""
    row = session.connection.execute(_FIND).one_or_none()
    return None if row is None or row.doubted is None else Doubt(row.ran, row.doubted)


def trust(session: Session) -> bool:
    """Accept the clock, as the admin confirmed; return whether it was doubted."""
    found = doubt(session)
    if found is not None:
        _keep(session, session.utc, None, is_new=False)
    return found is not None


def _keep(session: Session, ran: datetime, doubted: datetime | None, *, is_new: bool) -> None:
    values = {"ran": ran, "looked": session.utc, "doubted": doubted}
    if is_new:
        with suppress(IntegrityError), session.connection.begin_nested():  # another process may be faster
            session.connection.execute(_INSERT, {"id": _ROW, **values})
            return
    session.connection.execute(_UPDATE.values(values))


def _newest(session: Session) -> datetime:
    """Return the newest time in the tables, for the first upkeep.

    Later it would prove nothing: what is written after a jump has the wrong time itself.
    """
    known = [session.connection.scalar(select(func.max(table.c.made))) for table in (tables.journal, tables.history)]
    return max((moment for moment in known if moment is not None), default=session.utc)
