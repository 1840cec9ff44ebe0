"""Renders times of an activity (naive, office local) as lines, and checks that calendars can hold them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from radicale_flowfact.content.timezones import to_utc
from radicale_flowfact.records import Activity

EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = datetime(1753, 1, 1), datetime(9998, 12, 31)


def representable(moment: datetime | None) -> datetime | None:
    """Return a time that SQL Server's ``datetime`` and calendars can both hold, else None (rule 28)."""
    return moment if moment is not None and _FIRST <= moment <= _LAST else None


def require_representable(moment: datetime | None) -> None:
    """Raise ValueError for a time outside those years."""
    if moment is not None and representable(moment) is None:
        raise ValueError(f"the year {moment.year} is impossible")


def all_day_dates(begin: datetime, end: datetime | None) -> tuple[date, date]:
    """Return the first day of an all-day event and the one after its last."""
    last = end.date() if end is not None and end.date() > begin.date() else begin.date() + timedelta(days=1)
    if end is not None and end.time() != time.min:
        last = end.date() + timedelta(days=1)
    return begin.date(), last


def local_time_line(name: str, moment: datetime, zone: ZoneInfo) -> str:
    """Return a line of time with TZID (RFC 5545 §3.2.19)."""
    return f"{name};TZID={zone.key}:{moment:%Y%m%dT%H%M%S}"


def touch_in_utc(activity: Activity, zone: ZoneInfo) -> str:
    """Return Touch in UTC, as DTSTAMP and COMPLETED have it."""
    touch = representable(activity.touch) or EPOCH
    return f"{to_utc(touch, zone):%Y%m%dT%H%M%SZ}"
